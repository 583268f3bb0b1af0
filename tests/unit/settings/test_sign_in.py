"""The secret of sign-in: long enough, from outside the file, and in no error."""

import pytest
from pydantic import ValidationError

from cluster.safety.errors import ConfigError
from cluster.settings.load import parse
from cluster.settings.sign_in import SignInSettings, signing_secret
from cluster.settings.site import SiteSettings


def test_sign_in_is_on_unless_somebody_says_otherwise() -> None:
    assert SiteSettings(name="x").sign_in.enabled


@pytest.mark.parametrize(("secret", "reason"), [("", "is not set"), ("S3cret" * 5, "is shorter than 32 bytes")])
def test_a_secret_that_is_too_short_is_refused_with_how_to_make_one(
    monkeypatch: pytest.MonkeyPatch, secret: str, reason: str
) -> None:
    monkeypatch.setenv("SECRET_KEY", secret)

    with pytest.raises(ConfigError) as refused:
        signing_secret(SignInSettings(), "site.yaml")

    line = str(refused.value)
    assert line.startswith("site.yaml: sign_in.secret_key")
    assert reason in line
    assert "openssl rand -hex 32" in line
    assert "S3cret" not in line


def test_bytes_count_and_not_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "비밀" * 6)

    assert signing_secret(SignInSettings(), "site.yaml") == "비밀" * 6


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ({"secret_key": "S3cret-S3cret-S3cret-S3cret-S3cret"}, "sign_in.secret_key"),
        ({"secret_key": "${SECRET_KEY:-S3cret-S3cret}"}, "sign_in.secret_key"),
        ({"session_idle_s": 86_400, "session_max_s": 3600}, "sign_in"),
        ({"session_idle_s": 1}, "sign_in.session_idle_s"),
        ({"metrics": "closed"}, "sign_in.metrics"),
        ({"on": True}, "sign_in.on"),
    ],
)
def test_what_cannot_be_is_named_without_its_secret(section: dict[str, object], key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(SiteSettings, {"name": "x", "sign_in": section}, where="site.yaml")

    assert refused.value.key == key
    assert "S3cret" not in str(refused.value)


def test_the_desktop_client_is_off_and_needs_sign_in_because_its_address_carries_a_token() -> None:
    assert not SiteSettings(name="x").desktop_client.enabled
    assert SiteSettings.model_validate({"name": "x", "desktop_client": {"enabled": True}}).desktop_client.enabled
    with pytest.raises(ValidationError, match=r"desktop_client\.enabled: needs sign_in\.enabled"):
        SiteSettings.model_validate({"name": "x", "desktop_client": {"enabled": True}, "sign_in": {"enabled": False}})
