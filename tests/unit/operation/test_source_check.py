from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.operation.source_check import camera_called, check_source
from cluster.safety.errors import CameraUnauthorized, ConfigError
from cluster.settings.cameras import CameraSettings

_GATE = CameraSettings(camera_id="gate-1", source="rtsp://u:${PW}@cam/1")


@dataclass
class Facts:
    width: int = 1280
    height: int = 720
    fps: float = 10.0
    codec: str = "h264"


def test_an_id_names_a_declared_camera() -> None:
    assert camera_called("gate-1", [_GATE]) is _GATE


def test_anything_else_is_a_source() -> None:
    assert camera_called("rtsp://cam/2", [_GATE]).source == "rtsp://cam/2"


def test_a_source_that_cannot_be_opened_is_refused_without_its_password() -> None:
    with pytest.raises(ConfigError) as raised:
        camera_called("ftp://u:S3cret@cam", [])

    assert "S3cret" not in str(raised.value)
    assert "scheme 'ftp' cannot be opened" in str(raised.value)


def test_what_comes_out_of_a_source_is_told() -> None:
    result = check_source(camera_called("rtsp://u:S3cret@cam/2", []), lambda camera: Facts())

    assert result == {
        "ok": True,
        "source": "rtsp://***@cam/2",
        "width": 1280,
        "height": 720,
        "fps": 10.0,
        "codec": "h264",
    }


def test_the_reason_why_nothing_comes_is_told() -> None:
    def probe(camera: CameraSettings) -> Facts:
        raise CameraUnauthorized("user or password refused", "correct them")

    result = check_source(camera_called("rtsp://cam/2", []), probe)

    assert result == {
        "ok": False,
        "source": "rtsp://cam/2",
        "code": "unauthorized",
        "reason": "user or password refused; correct them",
    }


def test_an_unset_variable_is_told_before_anything_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PW", raising=False)

    result = check_source(_GATE, _never)

    assert (result["code"], "${PW}: the variable is not set" in result["reason"]) == ("config", True)


@pytest.mark.parametrize(("name", "reason"), [("no.mp4", "no such file"), ("", "is a directory")])
def test_a_file_that_is_none_is_told_before_anything_is_opened(name: str, reason: str, tmp_path: Path) -> None:
    result = check_source(camera_called(str(tmp_path / name), []), _never)

    assert reason in result["reason"]


def _never(camera: CameraSettings) -> Facts:
    raise AssertionError("opened")
