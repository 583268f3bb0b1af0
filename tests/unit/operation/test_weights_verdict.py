"""Verdicts on weights: asked of a process once, remembered while they are good."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from rich.console import Console

from cluster.operation import weights_verdict
from cluster.operation.interruption import Interruption
from cluster.operation.progress import Progress
from cluster.operation.weights_verdict import WeightsVerdicts, asked_of_a_process
from cluster.safety.errors import Interrupted, WeightsError
from cluster.settings.models import ModelSettings

MODEL = ModelSettings(
    name="fall-s", weights="best.pt", sha256="a" * 64, classes={"Normal": "person"}, licence="none", origin="a test"
)


class FakeAsk:
    def __init__(self, **verdict: object) -> None:
        self.verdict = {"ok": True, **verdict}
        self.asked: list[Sequence[str]] = []

    def __call__(self, arguments: Sequence[str]) -> str:
        self.asked.append(arguments)
        return f"a library's own line\n{json.dumps(self.verdict)}\n"


def test_good_weights_are_asked_for_once(tmp_path: Path) -> None:
    ask = FakeAsk()
    for _ in range(2):
        WeightsVerdicts(ask, tmp_path / "verdicts").prove(MODEL, "auto", "configs/models.yaml")

    assert ask.asked == [("fall-s", "--load", "--runtime", "auto", "--models", "configs/models.yaml")]


@pytest.mark.parametrize(
    "changed",
    [{"sha256": "b" * 64}, {"classes": {"Fall": "fallen_person"}}, {"weights": "other.pt"}, {"name": "fall-m"}],
)
def test_a_changed_entry_is_asked_for_again(tmp_path: Path, changed: dict[str, object]) -> None:
    ask = FakeAsk()
    WeightsVerdicts(ask, tmp_path).prove(MODEL, "auto", "m.yaml")
    WeightsVerdicts(ask, tmp_path).prove(MODEL.model_copy(update=changed), "auto", "m.yaml")

    assert len(ask.asked) == 2


def test_another_runtime_or_another_release_of_ultralytics_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = FakeAsk()
    verdicts = WeightsVerdicts(ask, tmp_path)
    verdicts.prove(MODEL, "auto", "m.yaml")
    verdicts.prove(MODEL, "torch", "m.yaml")
    monkeypatch.setattr(weights_verdict.metadata, "version", lambda name: "99")
    verdicts.prove(MODEL, "torch", "m.yaml")

    assert len(ask.asked) == 3


def test_bad_weights_are_told_each_time_with_reason_and_mend(tmp_path: Path) -> None:
    ask = FakeAsk(ok=False, reason="the weights are for another task: classify", mend="name weights for detection")
    for _ in range(2):
        with pytest.raises(WeightsError, match="another task: classify; name weights for detection"):
            WeightsVerdicts(ask, tmp_path).prove(MODEL, "auto", "m.yaml")

    assert len(ask.asked) == 2


@pytest.mark.parametrize("told", ["", "no JSON", "[1]", '{"reason": ""}'])
def test_an_answer_that_is_no_verdict_is_no_good_one(tmp_path: Path, told: str) -> None:
    with pytest.raises(WeightsError):
        WeightsVerdicts(lambda _: told, tmp_path).prove(MODEL, "auto", "m.yaml")

    assert list(tmp_path.iterdir()) == []


def test_a_memory_that_cannot_be_written_is_no_fault_of_the_weights(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ask = FakeAsk()

    WeightsVerdicts(ask, tmp_path / "file").prove(MODEL, "auto", "m.yaml")

    assert len(ask.asked) == 1


@pytest.fixture
def ask_of() -> Callable[..., str]:
    def ask(arguments: Sequence[str], interruption: Interruption, limit_s: float) -> str:
        return asked_of_a_process(Progress(Console(quiet=True)), interruption, limit_s=limit_s)(arguments)

    return ask


def test_the_process_answers_in_one_line(ask_of: Callable[..., str]) -> None:
    told = ask_of(("yolo99",), Interruption(), 120.0)

    assert json.loads(told)["reason"].startswith("unknown model 'yolo99'")


def test_a_process_that_dies_is_a_verdict_too(ask_of: Callable[..., str], tmp_path: Path) -> None:
    verdicts = WeightsVerdicts(lambda _: ask_of(("--no-such-option",), Interruption(), 120.0), tmp_path)

    with pytest.raises(WeightsError, match="ended with code 2: python -m"):
        verdicts.prove(MODEL, "auto", "m.yaml")


def test_no_answer_in_time_is_told(ask_of: Callable[..., str]) -> None:
    with pytest.raises(WeightsError, match="could not be opened within 0 s"):
        ask_of(("fall-s",), Interruption(), 0.0)


def test_who_interrupts_does_not_wait(ask_of: Callable[..., str]) -> None:
    (interruption := Interruption()).stopping.set()

    with pytest.raises(Interrupted):
        ask_of(("fall-s", "--load"), interruption, 120.0)
