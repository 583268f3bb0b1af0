"""What cameras are changed with, in memory: a store, the words of operators, the supervisor, and sources that open."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cluster.safety.dry_run import DryRun, dry_run
from cluster.safety.errors import CameraChanged, DatabaseUnavailable
from cluster.safety.tracks import Observation
from cluster.safety.zones import Zone
from cluster.settings.cameras import CameraSettings
from cluster.settings.site import ApiCameraSettings
from cluster.storage.cameras import StoredCamera
from cluster.storage.overrides import Override
from deployments.ingress.camera_setup import CameraSetup
from deployments.ingress.services import Unreachable

PRESS = Zone("press", ((0.3, 0.3), (0.7, 0.3), (0.7, 1.0), (0.3, 1.0)), name="프레스 / Press")
DECLARED = CameraSettings(camera_id="gate-1", name="Gate", source="rtsp://${CAM_USER}:${CAM_PW}@cam/1", zones=(PRESS,))
DOCK = CameraSettings(camera_id="dock-1", name="Dock", source="rtsp://me:Geheim1@10.0.0.5/1", zones=(PRESS,))


@dataclass
class FakeCameraStore:
    rows: dict[str, StoredCamera] = field(default_factory=lambda: {"dock-1": StoredCamera(DOCK, 7)})
    away: bool = False

    async def get(self, camera_id: str, /) -> StoredCamera | None:
        if self.away:
            raise DatabaseUnavailable("connection refused")
        return self.rows.get(camera_id)

    async def put(self, settings: CameraSettings, expected: int | None, by: str = "", /) -> int:
        revision = self._checked(settings.camera_id, expected) + 1
        self.rows[settings.camera_id] = StoredCamera(settings, revision)
        return revision

    async def delete(self, camera_id: str, expected: int | None, by: str = "", /) -> bool:
        self._checked(camera_id, expected)
        return self.rows.pop(camera_id, None) is not None

    def _checked(self, camera_id: str, expected: int | None) -> int:
        there_is = self.rows[camera_id].revision if camera_id in self.rows else 0
        if expected is not None and expected != there_is:
            raise CameraChanged(f"camera {camera_id} is of revision {there_is}, not {expected}", "read it again")
        return there_is


@dataclass
class FakeWords:
    """Also who puts messages off."""

    said: list[Override] = field(default_factory=list)
    quiet_moved: int = 0

    async def put(self, override: Override, /) -> None:
        self.said.append(override)

    async def newest(self) -> list[Override]:
        return list({(one.camera_id, one.field): one for one in self.said}.values())

    async def keep_quiet_until_its_end(self, now: datetime, /) -> int:
        self.quiet_moved += 1
        return 0


@dataclass
class FakeSetupDirectory:
    """`seen`: what each camera remembers."""

    declares: dict[str, CameraSettings] = field(default_factory=lambda: {"gate-1": DECLARED})
    seen: dict[str, list[Observation]] = field(default_factory=dict)
    nudges: int = 0
    away: bool = False
    deaf: bool = False

    async def declared(self, camera_id: str, /) -> tuple[CameraSettings, int] | None:
        if self.away:
            raise Unreachable("CameraSupervisor", "no answer in time")
        return (self.declares[camera_id], 5) if camera_id in self.declares else None

    async def nudge(self) -> None:
        if self.deaf:
            raise Unreachable("CameraSupervisor", "no answer in time")
        self.nudges += 1

    async def dry_run(self, camera_id: str, zone: Zone, /) -> DryRun:
        return dry_run(zone, self.seen.get(camera_id, []))


GIVES_VIDEO = {"ok": True, "width": 640, "height": 360, "fps": 25.0, "codec": "h264", "picture": "/9j/2wBD", "code": "",
               "reason": "", "mend": ""}  # fmt: skip


@dataclass
class FakeTrial:
    """Keeps what was tried, and finds `found`."""

    tried: list[CameraSettings] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=lambda: dict(GIVES_VIDEO))

    async def __call__(self, camera: CameraSettings) -> dict[str, Any]:
        self.tried.append(camera)
        return self.found


@dataclass
class ChangedCameras:
    """The fakes behind one `CameraSetup`: gate-1 is declared, dock-1 was made through the API."""

    store: FakeCameraStore = field(default_factory=FakeCameraStore)
    words: FakeWords = field(default_factory=FakeWords)
    directory: FakeSetupDirectory = field(default_factory=FakeSetupDirectory)
    trial: FakeTrial = field(default_factory=FakeTrial)
    sources: ApiCameraSettings = field(default_factory=ApiCameraSettings)

    @property
    def setup(self) -> CameraSetup:
        return CameraSetup(self.store, self.words, self.words, self.directory, self.trial, self.sources)
