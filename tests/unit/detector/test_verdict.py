"""The verdict that other processes ask for."""

import json
import sys
from pathlib import Path

import pytest

from deployments.detector.verdict import main

MODELS = """
models:
  - name: broken
    weights: {weights}
    sha256: "{sha256}"
    classes: {{ Normal: person }}
    licence: none
    origin: a test
"""


def verdict(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, object]]:
    code = main(list(arguments))
    return code, json.loads(capsys.readouterr().out)


def test_good_weights_are_told_with_their_path(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = verdict(capsys, "fall-s")

    assert (code, told["ok"], told["reason"]) == (0, True, "")
    assert str(told["path"]).endswith("fall_detection/models/best.pt")


def test_wrong_weights_are_told_with_reason_and_mend(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (weights := tmp_path / "wrong.pt").write_bytes(b"half a file")
    (models := tmp_path / "models.yaml").write_text(MODELS.format(weights=weights, sha256="0" * 64))

    code, told = verdict(capsys, "broken", "--models", str(models))

    assert (code, told["ok"]) == (1, False)
    assert "wrong.pt: is truncated or damaged" in str(told["reason"])
    assert told["mend"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [(("yolo99",), "unknown model 'yolo99'"), (("fall-s", "--models", "nowhere.yaml"), "No such file")],
)
def test_wrong_questions_are_answered_too(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], reason: str
) -> None:
    code, told = verdict(capsys, *arguments)

    assert code == 1
    assert reason in str(told["reason"])


def test_weights_are_opened_when_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = verdict(capsys, "--load", "fall-s")

    assert (code, told["ok"]) == (0, True)
    assert "torch" in sys.modules
