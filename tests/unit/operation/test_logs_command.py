"""`safe-yolo logs`, what `up --foreground` shows, and levels that the configuration cannot have."""

import json
import os
from pathlib import Path

import psutil
import pytest
import yaml
from counterparts.waiting import wait_for

from cluster import cli
from cluster.operation import logs_command, ray_state
from cluster.operation.interruption import Interruption
from cluster.operation.ray_state import RayState
from cluster.operation.serve_file import load_serve_file
from cluster.safety.errors import ConfigError, SiteUnhealthy
from cluster.settings.base import PROJECT_ROOT

LINE = {"timestamp": "2999-01-01T08:00:00.000000Z", "level": "error", "event": "database_failed", "camera_id": "gate-1"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the site that runs here, as far as its state says, keeps its logs."""
    monkeypatch.setenv("SAFE_YOLO_STATE_DIR", str(tmp_path / "state"))
    me = psutil.Process(os.getpid())
    logs = tmp_path / "logs"
    logs.mkdir()
    ray_state.save(RayState(me.pid, me.create_time(), "", "", run_dir=str(tmp_path / "run"), logs=str(logs)))
    (logs / "recorder.1.2.0000.jsonl").write_text(json.dumps(LINE) + "\n")
    return logs


def test_the_logs_of_the_site_are_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["logs", "--level", "error", "--camera", "gate-1"]) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [LINE]

    assert cli.run(["logs", "--correlation", "gate-1-3-7"]) == 0
    assert capsys.readouterr().out == ""


def test_a_wrong_level_is_a_wrong_usage(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["logs", "--level", "loud"]) == 2
    assert "--level" in capsys.readouterr().err


def test_the_foreground_shows_lines_while_it_works(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown: list[str] = []

    def look() -> bool:
        shown.extend(capsys.readouterr().out.splitlines())
        return len(shown) == 2

    with logs_command.shown_logs(folder):
        (folder / "camera-gate-1.1.3.0000.jsonl").write_text(json.dumps({**LINE, "event": "camera_started"}) + "\n")
        wait_for("both lines", look)

    assert {json.loads(line)["event"] for line in shown} == {"database_failed", "camera_started"}


def test_the_foreground_ends_when_somebody_asks_or_ray_has_ended(folder: Path) -> None:
    asked = Interruption()
    asked.stopping.set()
    logs_command.stay(asked)

    ray_state.forget()
    with pytest.raises(SiteUnhealthy, match="Ray has ended"):
        logs_command.stay(Interruption())


@pytest.mark.parametrize("name", ["Detector", "CameraSupervisor", "Recorder", "Ingress"])
def test_an_unknown_level_stops_the_command_and_names_its_place(tmp_path: Path, name: str) -> None:
    content = yaml.safe_load((PROJECT_ROOT / "serve_config.yaml").read_text())
    deployments = [one for application in content["applications"] for one in application["deployments"]]
    (own,) = [one for one in deployments if one["name"] == name]
    own["user_config"] = {**own.get("user_config", {}), "logging": {"level": "LOUD"}}
    file = tmp_path / "serve_config.yaml"
    file.write_text(yaml.safe_dump(content))

    with pytest.raises(ConfigError, match=r"user_config\.logging\.level = 'LOUD'"):
        load_serve_file(str(file))

    own["user_config"]["logging"] = {"level": "debug", "cameras": {"gate-1": "error"}}
    file.write_text(yaml.safe_dump(content))
    assert load_serve_file(str(file)).cameras.cameras
