"""The command speaks to a site with sign-in: by the token that it was given, or by one that it makes itself."""

import asyncio
from pathlib import Path

import httpx
import pytest
import yaml
from counterparts.secrets_used import secret

from cluster.accounts.principal import Role
from cluster.accounts.tokens import TokenSigner, TokenStore
from cluster.operation.command_token import command_token, token_for_config
from cluster.operation.site_api import SiteApi
from cluster.safety.errors import SiteUnhealthy
from cluster.settings.load import load_site
from cluster.storage.engine import create_engine
from cluster.storage.schema import migrate

SECRET = secret("x" * 32)


@pytest.fixture
def site_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of a migrated site with sign-in."""
    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.delenv("SAFE_YOLO_TOKEN", raising=False)
    file = tmp_path / "site.yaml"
    file.write_text(yaml.safe_dump({"name": "test", "data_dir": str(tmp_path), "database": {"url": ""}}))
    migrate(load_site(file))
    return str(file)


def test_a_token_that_was_given_is_shown(site_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAFE_YOLO_TOKEN", "given")

    assert command_token(site_file) == "given"
    assert token_for_config("there/is/none.yaml") == "given"


def test_who_may_read_the_sites_secret_and_database_makes_one_of_a_viewer(site_file: str) -> None:
    async def kept(token_id: str) -> tuple[Role, frozenset[str] | None, str]:
        engine = create_engine(load_site(site_file))
        try:
            token = await TokenStore(engine).get(token_id)
        finally:
            await engine.dispose()
        assert token is not None
        return token.role, token.cameras, token.created_by

    token_id = TokenSigner(SECRET).proved_id(command_token(site_file))

    assert token_id is not None
    assert asyncio.run(kept(token_id)) == (Role.VIEWER, None, "safe-yolo")


@pytest.mark.parametrize("wrong", ["secret", "database", "file", "off"])
def test_who_may_not_or_need_not_has_none(
    site_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    if wrong == "secret":
        monkeypatch.delenv("SECRET_KEY")
    elif wrong == "database":
        (tmp_path / "safe-yolo.db").unlink()
    elif wrong == "file":
        site_file = str(tmp_path / "none.yaml")
    else:
        Path(site_file).write_text(yaml.safe_dump({"name": "test", "sign_in": {"enabled": False}}))

    assert command_token(site_file) == ""


def test_the_token_goes_with_every_question_and_a_refusal_says_what_to_do() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        known = request.headers.get("authorization") == "Bearer good"
        return httpx.Response(200 if known else 401, json={"cameras": [{"camera_id": "gate-1"}]})

    transport = httpx.MockTransport(answer)
    assert SiteApi("http://localhost/", "good", transport=transport).cameras() == [{"camera_id": "gate-1"}]
    for token in ("", "bad"):
        with pytest.raises(SiteUnhealthy, match="asks who this is; export SAFE_YOLO_TOKEN"):
            SiteApi("http://localhost/", token, transport=transport).cameras()
