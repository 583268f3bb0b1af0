"""`safe-yolo users`: before the site ever ran, without an admin, and with no password in any argument or line."""

import json
from pathlib import Path

import pytest
import yaml
from counterparts.secrets_used import secret

from cluster import cli
from cluster.operation.users_command import nobody_may_sign_in

FIRST, SECOND = secret("first password"), secret("second password")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The shipped configuration with a site of its own, whose database does not exist yet."""
    monkeypatch.setenv("SAFE_YOLO_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("SAFE_YOLO_PASSWORD", FIRST)
    site = {"name": "test", "data_dir": str(tmp_path / "data"), "database": {"url": ""}}
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(site))
    shipped = (Path(cli.__file__).parents[1] / "serve_config.yaml").read_text(encoding="utf-8")
    (tmp_path / "serve.yaml").write_text(shipped.replace("configs/site.yaml", str(tmp_path / "site.yaml")))
    return str(tmp_path / "serve.yaml")


def users(config: str, *arguments: str) -> int:
    return cli.run(["users", *arguments, "--config", config])


def test_the_first_admin_is_added_listed_disabled_and_let_in_again(
    config: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site_file = str(Path(config).with_name("site.yaml"))
    assert nobody_may_sign_in(site_file)
    assert users(config, "add", "kim", "--role", "admin") == 0
    assert not nobody_may_sign_in(site_file)
    assert users(config, "add", "lee", "--role", "viewer", "--camera", "gate-1") == 0
    assert users(config, "disable", "lee") == 0
    capsys.readouterr()
    assert users(config, "list", "--json") == 0

    assert json.loads(capsys.readouterr().out) == [
        {"name": "kim", "role": "admin", "cameras": None, "disabled": False},
        {"name": "lee", "role": "viewer", "cameras": ["gate-1"], "disabled": True},
    ]
    monkeypatch.setenv("SAFE_YOLO_PASSWORD", SECOND)
    assert users(config, "enable", "lee") == 0
    assert users(config, "password", "lee") == 0
    assert users(config, "list") == 0
    shown = capsys.readouterr()
    assert "lee  viewer  gate-1\n" in shown.out
    assert FIRST not in shown.out + shown.err
    assert SECOND not in shown.out + shown.err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("add", "kim", "--role", "admin"), "there is a user 'kim'"),
        (("add", "Kim Lee", "--role", "viewer"), "a name has 1 to 64"),
        (("add", "lee", "--role", "admin", "--camera", "gate-1"), "an admin sees all cameras"),
        (("add", "lee", "--role", "root"), "root"),
        (("disable", "kim"), "nobody would be left who may administer"),
        (("disable", "lee"), "there is no user 'lee'"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_code_2(
    config: str, arguments: tuple[str, ...], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert users(config, "add", "kim", "--role", "admin") == 0

    assert users(config, *arguments) == 2
    assert reason in capsys.readouterr().err


def test_a_password_that_may_not_be_is_refused_and_not_shown(
    config: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SAFE_YOLO_PASSWORD", "Geheim-7")

    assert users(config, "add", "kim", "--role", "admin") == 2
    assert "Geheim-7" not in capsys.readouterr().err
