"""What should run."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from cluster.settings.cameras import Assignment, CameraSettings
from cluster.settings.log_levels import LogSettings

_LOGS = LogSettings()


@dataclass(frozen=True, slots=True)
class Desired:
    """A camera that should run. `revision` identifies the content of its settings; `switched_off` says who switched
    something off in them, "" if nobody did."""

    settings: CameraSettings
    revision: int
    managed: str = "config"
    switched_off: str = ""
    logging: LogSettings = _LOGS

    def assignment(self, epoch: int, release: str) -> Assignment:
        """What its actor is told, under the lease `epoch`."""
        return Assignment(
            camera=self.settings,
            revision=self.revision,
            epoch=epoch,
            release=release,
            switched_off=self.switched_off,
            logging=self.logging,
            managed=self.managed,
        )


def declared(camera: CameraSettings) -> Desired:
    """A declared camera; its revision is taken from its content, so that it survives restarts of the supervisor."""
    digest = hashlib.sha256(camera.model_dump_json().encode()).digest()
    return Desired(camera, int.from_bytes(digest[:6], "big"))


def with_logging(desired: Mapping[str, Desired], settings: LogSettings) -> dict[str, Desired]:
    """`desired`, each camera with its own level. What differs from the default changes the revision, as operators'
    switches do: the actor hears of it once, by `apply`, and goes on with the next frame."""
    return {camera_id: _logged(one, settings) for camera_id, one in desired.items()}


def _logged(desired: Desired, settings: LogSettings) -> Desired:
    level = settings.cameras.get(desired.settings.camera_id, settings.level)
    own = LogSettings(level=level, frame_every_s=settings.frame_every_s)
    if own == _LOGS:
        return desired
    digest = hashlib.sha256(f"{desired.revision}|{own.model_dump_json()}".encode()).digest()
    return replace(desired, logging=own, revision=int.from_bytes(digest[:6], "big"))
