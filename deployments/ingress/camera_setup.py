"""What the routes that change cameras ask of the rest; the real ones are the stores and `cluster_directory`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from cluster.safety.dry_run import DryRun
from cluster.safety.zones import Zone
from cluster.settings.cameras import CameraSettings
from cluster.settings.site import ApiCameraSettings
from cluster.storage.cameras import StoredCamera
from cluster.storage.overrides import Override


class CameraKeeper(Protocol):
    """The store of cameras made through the API; raises `DatabaseUnavailable`, `CameraChanged` and `ConfigError`."""

    async def get(self, camera_id: str, /) -> StoredCamera | None: ...

    async def put(self, settings: CameraSettings, expected: int | None, by: str, /) -> int: ...

    async def delete(self, camera_id: str, expected: int | None, by: str, /) -> bool:
        """What operators said of it ends with it."""
        ...


class OverrideKeeper(Protocol):
    """The words of operators; raises `DatabaseUnavailable`."""

    async def put(self, override: Override, /) -> None: ...

    async def newest(self) -> list[Override]: ...


class QuietKeeper(Protocol):
    """Who puts off messages; raises `DatabaseUnavailable`."""

    async def keep_quiet_until_its_end(self, now: datetime, /) -> int: ...


class SetupDirectory(Protocol):
    """The running cameras and their supervisor; raises `Unreachable`."""

    async def declared(self, camera_id: str, /) -> tuple[CameraSettings, int] | None:
        """Settings and revision of a camera that serve_config.yaml declares."""
        ...

    async def nudge(self) -> None:
        """The supervisor looks into the database at once."""
        ...

    async def dry_run(self, camera_id: str, zone: Zone, /) -> DryRun: ...


Trial = Callable[[CameraSettings], Awaitable[dict[str, Any]]]
"""Opens a source and says what comes, see `cluster.camera.source_trial`; bounds its own time."""


@dataclass(frozen=True, slots=True)
class CameraSetup:
    """Everything that is needed to change cameras. `sources`: what they may have as their source."""

    cameras: CameraKeeper
    words: OverrideKeeper
    quiet: QuietKeeper
    directory: SetupDirectory
    trial: Trial
    sources: ApiCameraSettings
