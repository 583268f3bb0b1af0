"""What should run."""

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
