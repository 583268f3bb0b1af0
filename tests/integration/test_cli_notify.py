"""`safe-yolo notify`: a channel is tried before it is needed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from counterparts.message_receiver import MessageReceiver

from cluster.cli import run
from cluster.operation.notification_check import notification_findings
from cluster.settings.base import PROJECT_ROOT
from cluster.settings.load import load_site

TOKEN = "xoxb-geheim"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[MessageReceiver]:
    receiver = MessageReceiver()
    monkeypatch.setenv("T_TOKEN", TOKEN)
    monkeypatch.setenv("T_URL", f"{receiver.url}/hook/geheim-path")
    yield receiver
    receiver.stop()


@pytest.fixture
def config(tmp_path: Path, receiver: MessageReceiver) -> str:
    """A Serve configuration whose site has two channels, and a rule that names one of them."""
    slack = {"kind": "slack_bot", "token": "${T_TOKEN}", "channel": "C0ROOM", "api_url": f"{receiver.url}/api/"}
    hook = {"kind": "webhook", "url": "${T_URL}", "language": "en"}
    rule = {"name": "danger", "steps": [{"channels": ["room"]}]}
    channels = [{"channel_id": "room", **slack}, {"channel_id": "mes", **hook}]
    site = {"name": "공장", "data_dir": str(tmp_path), "notifications": {"channels": channels, "rules": [rule]}}
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(site, allow_unicode=True))
    serve = yaml.safe_load((PROJECT_ROOT / "serve_config.yaml").read_text())
    for application in serve["applications"]:
        if "site" in application["args"]:
            application["args"]["site"] = str(tmp_path / "site.yaml")
    (tmp_path / "serve_config.yaml").write_text(yaml.safe_dump(serve, allow_unicode=True))
    return str(tmp_path / "serve_config.yaml")


def test_a_test_message_says_that_it_is_one_and_what_the_channel_answered(
    config: str, receiver: MessageReceiver, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["notify", "test", "--config", config]) == 0

    said = capsys.readouterr().out
    assert "took the test message" in said
    (post,) = receiver.shown()
    (hook,) = receiver.taken("/hook/geheim-path")
    assert post["text"] == "[시험 메시지] SAFE-YOLO · 공장"
    assert len(receiver.room.files) == 1
    assert "This is a test" in hook.body()["text"]


def test_a_channel_that_refuses_is_told_with_its_answer_and_without_its_secret(
    config: str, receiver: MessageReceiver, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.refuses["/hook/geheim-path"] = (404, "nothing at /hook/geheim-path")

    assert run(["notify", "test", "mes", "--config", config]) == 1

    said: Any = capsys.readouterr()
    assert "answered 404" in said.out
    assert "geheim" not in said.out + said.err


def test_an_unknown_channel_is_named_with_those_that_there_are(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["notify", "test", "office", "--config", config]) == 2
    assert "there are room, mes" in capsys.readouterr().err


def test_the_list_shows_which_rules_name_a_channel(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["notify", "list", "--config", config]) == 0
    assert capsys.readouterr().out.splitlines() == ["room  slack_bot  danger", "mes  webhook  no rule names it"]


def test_the_configuration_check_finds_what_would_tell_nobody(
    config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("T_TOKEN")

    found = [
        (one.level.value, one.subject) for one in notification_findings("site.yaml", load_site(tmp_path / "site.yaml"))
    ]

    assert found == [
        ("error", "notifications"),
        ("ok", "notifications"),
        ("warning", "channel mes"),
        ("warning", "notifications"),
    ]
