"""What should run."""

import hashlib
from dataclasses import dataclass

from cluster.settings.cameras import Assignment, CameraSettings


@dataclass(frozen=True, slots=True)
class Desired:
    """A camera that should run. `revision` identifies the content of its settings; `switched_off` says who switched
    something off in them, "" if nobody did."""

    settings: CameraSettings
    revision: int
    managed: str = "config"
    switched_off: str = ""

    def assignment(self, epoch: int, release: str) -> Assignment:
        """What its actor is told, under the lease `epoch`."""
        return Assignment(
            camera=self.settings,
            revision=self.revision,
            epoch=epoch,
            release=release,
            switched_off=self.switched_off,
        )


def declared(camera: CameraSettings) -> Desired:
    """A declared camera; its revision is taken from its content, so that it survives restarts of the supervisor."""
    digest = hashlib.sha256(camera.model_dump_json().encode()).digest()
    return Desired(camera, int.from_bytes(digest[:6], "big"))
