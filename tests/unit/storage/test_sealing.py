"""Camera passwords in the database: encrypted, for one camera and one server, under the site's key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.safety.errors import ConfigError
from cluster.safety.redaction import redact
from cluster.settings.cameras import CameraSettings
from cluster.settings.sign_in import SignInSettings
from cluster.settings.site import SiteSettings
from cluster.settings.source_secrets import is_sealed
from cluster.storage.sealing import Seal, opened_source, seal_of, sealed_source

SEAL = Seal(b"k" * 32)
SOURCE = "rtsp://admin:Geheim-1@10.0.0.5/stream?token=T0pS3cret"


@given(st.text(max_size=40))
def test_what_was_sealed_opens_again_and_is_never_twice_the_same(text: str) -> None:
    first, second = SEAL.close(text, "gate-1 rtsp://cam"), SEAL.close(text, "gate-1 rtsp://cam")

    assert first != second
    assert SEAL.open(first, "gate-1 rtsp://cam") == text


def test_a_stored_address_shows_no_password_and_can_still_be_read_as_settings() -> None:
    stored = sealed_source(SEAL, "gate-1", SOURCE)

    assert "Geheim" not in stored
    assert "T0pS3cret" not in stored
    assert is_sealed(stored)
    assert redact(stored) == "rtsp://***@10.0.0.5/stream?token=***"
    assert CameraSettings(camera_id="gate-1", source=stored).source == stored
    assert opened_source(SEAL, "gate-1", stored) == SOURCE


@pytest.mark.parametrize(
    ("seal", "camera_id", "server"),
    [
        (None, "gate-1", "10.0.0.5"),
        (Seal(b"x" * 32), "gate-1", "10.0.0.5"),
        (SEAL, "gate-2", "10.0.0.5"),
        (SEAL, "gate-1", "thief"),
    ],
)
def test_without_the_key_or_elsewhere_it_stays_closed(seal: Seal | None, camera_id: str, server: str) -> None:
    stored = sealed_source(SEAL, "gate-1", SOURCE).replace("10.0.0.5", server)

    assert opened_source(seal, camera_id, stored) == stored


def test_a_changed_seal_does_not_open() -> None:
    sealed = SEAL.close("secret", "here")
    end = "A" if sealed[-5] != "A" else "B"

    with pytest.raises(ValueError, match="changed"):
        SEAL.open(sealed[:-5] + end + sealed[-4:], "here")


def test_without_a_key_no_password_is_stored_but_an_address_without_one_is() -> None:
    with pytest.raises(ConfigError, match="SECRET_KEY") as caught:
        sealed_source(None, "gate-1", SOURCE)

    assert "Geheim" not in str(caught.value)
    assert sealed_source(None, "gate-1", "rtsp://10.0.0.5/1") == "rtsp://10.0.0.5/1"


def test_an_address_that_gets_too_long_is_refused_and_not_stored() -> None:
    with pytest.raises(ConfigError, match="too long"):
        sealed_source(SEAL, "gate-1", f"rtsp://u:{'p' * 1600}@cam/1")


@pytest.mark.parametrize(("secret", "has_key"), [("k" * 32, True), ("short", False), (None, False)])
def test_the_key_is_that_of_the_site(monkeypatch: pytest.MonkeyPatch, secret: str | None, has_key: bool) -> None:
    if secret is None:
        monkeypatch.delenv("A_KEY", raising=False)
    else:
        monkeypatch.setenv("A_KEY", secret)
    site = SiteSettings(name="test", sign_in=SignInSettings(secret_key="${A_KEY}"))

    assert (seal_of(site) is not None) is has_key
