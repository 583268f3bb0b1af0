"""No password leaves, however it is written."""

import pytest

from cluster.safety.redaction import has_literal_secret, redact

SECRETS = [
    "rtsp://admin:S3cr3t@10.0.0.5/stream",
    "rtsp://admin:S3cr3t/with@signs:and?more@10.0.0.5:554/1",
    "http://S3cr3t@host/video",
    "http://host/video?user=x&password=S3cr3t",
    "http://host/cgi?pwd=S3cr3t&channel=1",
    "http://host/a?token=S3cr3t",
    "https://u:p%40S3cr3t@host/a.m3u8",
    "postgresql+asyncpg://app:S3cr3t@db/site",
    "could not open 'rtsp://u:S3cr3t@cam/1': 401",
    'log line with "rtsps://u:S3cr3t@cam/1" and more',
    "password=S3cr3t host=db",
    "POST https://hooks.slack.com/services/T0/B0/S3cr3t failed",
    "invalid_auth for xoxb-12-S3cr3t",
]


@pytest.mark.parametrize("text", SECRETS)
def test_the_secret_is_gone(text: str) -> None:
    assert "S3cr3t" not in redact(text)


def test_a_phone_number_is_gone() -> None:
    assert redact("Invalid parameter: PhoneNumber +821012345678, see") == "Invalid parameter: PhoneNumber ***, see"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T07:52:32+00:00",
        "1+1000000000.5",
        "rtsp://10.0.0.5:554/stream1",
        "/data/clip.mp4",
        "http://host/video?channel=1",
        "mail to a@b.example",
        "usb:0",
    ],
)
def test_what_holds_no_secret_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("address", "literal"),
    [
        ("rtsp://admin:pw@cam/1", True),
        ("rtsp://admin:${CAM_PW}@cam/1", False),
        ("rtsp://${CAM_USER}:${CAM_PW}@cam/1", False),
        ("rtsp://admin@cam/1", False),
        ("http://cam/video?password=pw", True),
        ("http://cam/video?password=${PW}", False),
        ("rtsp://cam/1", False),
    ],
)
def test_written_out_passwords_are_told_from_named_ones(address: str, literal: bool) -> None:
    assert has_literal_secret(address) is literal
