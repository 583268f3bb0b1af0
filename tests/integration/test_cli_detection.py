"""`safe-yolo detection` and `mute` on a real database, read by the store that supervisor and Recorder read."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import cli
from cluster.settings.base import PROJECT_ROOT
from cluster.settings.load import load_site
from cluster.storage.schema import migrate


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The shipped configuration with cameras gate-1 and dock-1, on a database of its own."""
    monkeypatch.setenv("SAFE_YOLO_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    serve = yaml.safe_load((PROJECT_ROOT / "serve_config.yaml").read_text())
    for application in serve["applications"]:
        if "site" in application.get("args", {}):
            application["args"]["site"] = str(tmp_path / "site.yaml")
        for deployment in application["deployments"]:
            if deployment["name"] == "CameraSupervisor":
                cameras = [{"camera_id": name, "source": "rtsp://cam/1"} for name in ("gate-1", "dock-1")]
                deployment["user_config"]["cameras"] = cameras
    (tmp_path / "serve.yaml").write_text(yaml.safe_dump(serve, allow_unicode=True))
    site = {"name": "test", "data_dir": str(tmp_path / "data")}
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(site))
    migrate(load_site(tmp_path / "site.yaml"))
    return str(tmp_path / "serve.yaml")


def words(config: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert cli.run(["detection", "status", "--json", "--config", config]) == 0
    return list(json.loads(capsys.readouterr().out))


def test_off_for_a_while_and_on_again(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = datetime.now(UTC)
    line = ["detection", "off", "--camera", "gate-1", "--for", "30m", "--reason", "점검", "--config", config]
    assert cli.run(line) == 0
    assert "gate-1: detection is off since" in capsys.readouterr().out

    (word,) = words(config, capsys)
    assert (word["camera_id"], word["reason"]) == ("gate-1", "점검")
    assert "@" in word["set_by"]
    lasts = datetime.fromisoformat(word["until"]) - datetime.fromisoformat(word["set_at"])
    assert lasts.total_seconds() == 1800
    assert datetime.fromisoformat(word["set_at"]) >= before

    assert cli.run(["detection", "on", "--camera", "gate-1", "--config", config]) == 0
    assert "nobody has switched detection off" in capsys.readouterr().out
    assert words(config, capsys) == []


def test_on_says_what_else_keeps_a_camera_off(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["detection", "off", "--all", "--config", config]) == 0
    assert cli.run(["detection", "off", "--camera", "dock-1", "--config", config]) == 0
    capsys.readouterr()

    assert cli.run(["detection", "on", "--camera", "dock-1", "--config", config]) == 0
    complaint = capsys.readouterr().err
    assert "all cameras: detection is off" in complaint
    assert "`safe-yolo detection on --all` ends that" in complaint

    assert cli.run(["detection", "on", "--all", "--config", config]) == 0
    assert capsys.readouterr().err == ""
    assert words(config, capsys) == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["off"], "neither --camera nor --all is given"),
        (["off", "--all", "--camera", "gate-1"], "not both of --camera and --all"),
        (["off", "--camera", "gate1"], "--camera = 'gate1': there is no such camera; use dock-1, gate-1"),
        (["on", "--camera", "gate1"], "there is no such camera"),
        (["off", "--all", "--for", "30"], "--for = '30': is no time up to 30d; write 90s, 30m, 8h or 2d"),
        (["off", "--all", "--for", "0m"], "is no time up to 30d"),
        (["off", "--all", "--for", "31d"], "is no time up to 30d"),
    ],
)
def test_a_wrong_word_is_one_line_and_changes_nothing(
    config: str, capsys: pytest.CaptureFixture[str], arguments: list[str], expected: str
) -> None:
    assert cli.run(["detection", *arguments, "--config", config]) == 2

    complaint = capsys.readouterr().err
    assert expected in complaint
    assert complaint.count("\n") == 1
    assert words(config, capsys) == []


def test_quiet_for_a_while_and_no_longer(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["mute", "on", "--camera", "gate-1", "--for", "30m", "--reason", "점검", "--config", config]
    assert cli.run(line) == 0
    assert "gate-1: nobody is notified since" in capsys.readouterr().out
    assert words(config, capsys) == []

    assert cli.run(["mute", "status", "--json", "--config", config]) == 0
    (word,) = json.loads(capsys.readouterr().out)
    lasts = datetime.fromisoformat(word["until"]) - datetime.fromisoformat(word["set_at"])
    assert (word["camera_id"], word["reason"], lasts.total_seconds()) == ("gate-1", "점검", 1800)

    assert cli.run(["mute", "off", "--camera", "gate-1", "--config", config]) == 0
    assert "no camera is muted" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["on", "--all"], "Missing option '--for'"),
        (["on", "--for", "8h"], "neither --camera nor --all is given"),
        (["on", "--camera", "gate1", "--for", "8h"], "there is no such camera"),
        (["on", "--all", "--for", "31d"], "is no time up to 30d"),
    ],
)
def test_a_quiet_has_an_end_and_a_camera(
    config: str, capsys: pytest.CaptureFixture[str], arguments: list[str], expected: str
) -> None:
    assert cli.run(["mute", *arguments, "--config", config]) == 2

    assert expected in capsys.readouterr().err
    assert cli.run(["mute", "status", "--config", config]) == 0
    assert "no camera is muted" in capsys.readouterr().out


def test_a_database_that_is_away_is_one_line(
    config: str, tmp_path: Path, free_tcp_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"postgres://safe:S3cret@127.0.0.1:{free_tcp_port}/site"
    (tmp_path / "site.yaml").write_text(yaml.safe_dump({"name": "test", "database": {"url": url}}))

    assert cli.run(["detection", "off", "--all", "--config", config]) == 1

    complaint = capsys.readouterr().err
    assert complaint.startswith("error: database: ")
    assert complaint.count("\n") == 1
    assert "S3cret" not in complaint
