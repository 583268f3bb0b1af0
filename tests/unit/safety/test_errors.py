"""Errors cross process borders and stay one line."""

import pickle

import pytest

from cluster.safety import errors
from cluster.safety.errors import CameraError, ConfigError, LeaseLost, OutboxFull, SafeYoloError, SupervisorSuperseded


def _example(kind: type[SafeYoloError]) -> SafeYoloError:
    if kind is ConfigError:
        return ConfigError("serve_config.yaml", "cameras[0].source", "rtsp://u:pw@x", "cannot be opened", "fix it")
    if kind is LeaseLost:
        return LeaseLost("gate-1", 3, 4)
    if kind is SupervisorSuperseded:
        return SupervisorSuperseded(3, 4)
    if kind is OutboxFull:
        return OutboxFull("/data/outbox", "no space left")
    return kind("broke at rtsp://u:pw@x\nsecond line", "mend it") if kind is not SafeYoloError else kind("x")


def _kinds(kind: type[SafeYoloError]) -> list[type[SafeYoloError]]:
    """Those of the module: Ray makes further ones of them at run time, for what was raised in another process."""
    children = [child for child in kind.__subclasses__() if child.__module__ == errors.__name__]
    return [kind, *(below for child in children for below in _kinds(child))]


@pytest.mark.parametrize("kind", _kinds(SafeYoloError), ids=lambda kind: kind.__name__)
def test_every_error_survives_pickling_as_one_line_without_password(kind: type[SafeYoloError]) -> None:
    error = _example(kind)

    copy = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert type(copy) is kind
    assert str(copy) == str(error)
    assert "\n" not in str(error)
    assert "pw" not in str(error) + repr(error)


def test_a_config_error_names_file_key_value_reason_and_mend() -> None:
    line = str(ConfigError("configs/site.yaml", "time_zone", "'Mars'", "unknown time zone", "use Asia/Seoul"))

    assert line == "configs/site.yaml: time_zone = 'Mars': unknown time zone; use Asia/Seoul"


def test_every_camera_error_has_its_own_code() -> None:
    codes = [kind.code for kind in _kinds(CameraError) if issubclass(kind, CameraError)]

    assert len(set(codes)) == len(codes)
    assert errors.CameraStalled.code == "stalled"
