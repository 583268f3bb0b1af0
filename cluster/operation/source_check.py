"""`cameras check`: opens a source once and tells what comes out of it, or why nothing does."""

from collections.abc import Callable, Iterable
from typing import Any

from cluster.operation.config_check import source_fault
from cluster.safety.errors import CameraError, ConfigError, SafeYoloError
from cluster.safety.redaction import redact
from cluster.settings.cameras import CameraSettings
from cluster.settings.load import parse

Probe = Callable[[CameraSettings], Any]


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
    """`ok`, `source`, and what `probe` found (`width`, `height`, `fps`, `codec`) or why it found nothing (`code`,
    `reason`), as JSON values. `probe` bounds its own time.
    """
    try:
        if error := source_fault(camera, "cameras check", "source"):
            raise error
        facts = probe(camera)
    except SafeYoloError as error:
        code = error.code if isinstance(error, CameraError) else "config"
        return {"ok": False, "source": camera.public_source, "code": code, "reason": redact(str(error))}
    return {"ok": True, "source": camera.public_source, **_as_values(facts)}


def _as_values(facts: Any) -> dict[str, Any]:
    names = ("width", "height", "fps", "codec")
    return {name: getattr(facts, name) for name in names}
