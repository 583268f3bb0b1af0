"""`cameras check`: opens a source once and tells what comes out of it, or why nothing does."""

import threading
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import ValidationError

from cluster.operation.config_check import source_fault
from cluster.safety.errors import CameraError, CameraStalled, ConfigError, SafeYoloError
from cluster.safety.redaction import redact
from cluster.settings.cameras import CameraSettings
from cluster.settings.load import parse

Probe = Callable[[CameraSettings], Any]
_SPARE_S = 5.0


def camera_called(name: str, declared: Iterable[CameraSettings]) -> CameraSettings:
    """The declared camera with the id `name`, or one whose source is `name`.

    Raises:
        ConfigError: neither an id nor a source that can be opened.
    """
    for camera in declared:
        if camera.camera_id == name:
            return camera
    try:
        return parse(CameraSettings, {"camera_id": "check", "source": name}, where="cameras check")
    except ConfigError as error:
        raise ConfigError("cameras check", "ID_OR_SOURCE", repr(redact(name)), error.reason) from error


def check_source(camera: CameraSettings, probe: Probe) -> dict[str, Any]:
    """What `probe` found, or the reason, as JSON values under `ok`, `source`, `reason`, `mend`, ...

    OpenCV can hang for ever in an open or a read, so the probe runs in a thread that may be left behind.
    """
    try:
        if error := source_fault(camera, "cameras check", "source"):
            raise error
        facts = _within(camera.open_timeout_s + camera.read_timeout_s + _SPARE_S, camera, probe)
    except (SafeYoloError, ValidationError) as error:
        code = error.code if isinstance(error, CameraError) else "config"
        return {"ok": False, "source": camera.public_source, "code": code, "reason": redact(str(error))}
    return {"ok": True, "source": camera.public_source, **facts}


def _within(limit_s: float, camera: CameraSettings, probe: Probe) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    failed: list[SafeYoloError] = []

    def look() -> None:
        try:
            found.append(_as_values(probe(camera)))
        except SafeYoloError as error:
            failed.append(error)

    thread = threading.Thread(target=look, name="probe", daemon=True)
    thread.start()
    thread.join(limit_s)
    if failed:
        raise failed[0]
    if not found:
        raise CameraStalled(f"no answer within {limit_s:g} s", "look at the camera and the network")
    return found[0]


def _as_values(facts: Any) -> dict[str, Any]:
    names = ("width", "height", "fps", "codec")
    return {name: getattr(facts, name) for name in names}
