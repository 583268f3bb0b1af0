"""`***` in a camera's address: what is shown has no secret, and what comes back unchanged keeps them all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.safety.redaction import redact
from cluster.settings.source_secrets import kept, shown, split

_ENCODED = st.text("abcXYZ019-._~%!$&'()*+,;=", min_size=1, max_size=12).map(lambda text: text.replace("%", "%25"))
_VALUES = st.text("abcXYZ019-._~%", min_size=1, max_size=12)
_SECRETS = _ENCODED.map(lambda text: f"S3CRET{text}".replace("&", "").replace(";", ""))


@st.composite
def _addresses(draw: st.DrawFn) -> str:
    login = draw(st.one_of(st.just(""), st.builds("{}:{}@".format, _VALUES, _SECRETS)))
    names = st.sampled_from(["password", "token", "user", "auth", "x_api_key"])
    query = draw(st.lists(st.one_of(st.tuples(names, _SECRETS), st.tuples(st.just("channel"), _VALUES))))
    parameters = "&".join(f"{name}={value}" for name, value in query)
    return f"{draw(st.sampled_from(['rtsp', 'http']))}://{login}10.0.0.5:554/stream{'?' if query else ''}{parameters}"


@given(_addresses())
def test_what_is_shown_is_redacted_whole_and_sent_back_it_is_the_address_again(address: str) -> None:
    seen = shown(address)

    assert redact(seen) == seen
    assert kept(seen, address) == address


@given(_addresses())
def test_no_secret_is_left_in_what_is_shown(address: str) -> None:
    parts = split(address)

    assert parts.joined(list(parts.secrets)) == address
    assert "S3CRET" not in shown(address)


@pytest.mark.parametrize(
    ("given_now", "stored", "becomes"),
    [
        ("rtsp://***@cam/2", "rtsp://me:pw@cam/1", "rtsp://me:pw@cam/2"),
        ("rtsp://you:***@cam/2", "rtsp://me:pw@cam/1", "rtsp://you:pw@cam/2"),
        ("rtsp://you:new@cam/1", "rtsp://me:pw@cam/1", "rtsp://you:new@cam/1"),
        ("rtsp://cam/1", "rtsp://me:pw@cam/1", "rtsp://cam/1"),
        ("http://cam/x?token=***&channel=2", "http://cam/x?token=t1&channel=1", "http://cam/x?token=t1&channel=2"),
        ("usb:0", None, "usb:0"),
    ],
)
def test_a_masked_secret_keeps_what_is_stored(given_now: str, stored: str | None, becomes: str) -> None:
    assert kept(given_now, stored) == becomes


@pytest.mark.parametrize(
    ("given_now", "stored"),
    [
        ("rtsp://***@thief/1", "rtsp://me:pw@cam/1"),
        ("rtsp://***@cam:8554/1", "rtsp://me:pw@cam/1"),
        ("http://***@cam/1", "rtsp://me:pw@cam/1"),
        ("rtsp://***@cam/1", "rtsp://cam/1"),
        ("rtsp://***@cam/1", None),
    ],
)
def test_a_password_never_goes_to_another_server(given_now: str, stored: str | None) -> None:
    with pytest.raises(ValueError, match=r"\*\*\*"):
        kept(given_now, stored)


def test_a_login_that_cannot_be_told_from_the_address_is_refused() -> None:
    with pytest.raises(ValueError, match="percent-encode"):
        split("rtsp://me:p@ss/word@cam/1")
