"""What the routes ask of the rest of the cluster; the real ones are in `cluster_directory`, fakes in the tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from cluster.accounts.accounts import Accounts
from cluster.accounts.audit import AuditLog
from cluster.accounts.audit_log import AuditFilter, AuditPage
from cluster.notifications.links import AcknowledgeLinks
from cluster.safety.errors import SafeYoloError
from cluster.safety.messages import PlannedMessage
from cluster.safety.pictures import LivePicture, PictureProfile
from cluster.safety.redaction import redact
from cluster.safety.status import CameraReport, DetectorReport
from cluster.settings.desktop_client import DesktopClientSettings
from cluster.settings.notifications import NotificationSettings
from cluster.storage.acknowledging import Acknowledgement, AcknowledgeOutcome
from cluster.storage.desktop_positions import DesktopPosition
from cluster.storage.message_counts import MessageCounts
from cluster.storage.records import Change, EventFilter, Page, StoredEvent
from cluster.storage.statistics import Bucket, StatisticsBy
from cluster.storage.whole_numbers import NumberKind, WholeNumber
from deployments.ingress.camera_setup import CameraSetup
from deployments.ingress.model_files import ModelFiles
from deployments.ingress.system_services import NO_CLUSTER, AlarmReader, ClusterReader, ModelReader

Buckets = list[Bucket]
_UTC = ZoneInfo("UTC")
_FILES = ModelFiles()
_DESKTOP = DesktopClientSettings()
Position = tuple[int, int]
"""(epoch, sequence) of a frame; the order in which frames are newer."""


class Unreachable(SafeYoloError):
    """A process of the cluster did not answer in time, or is not there. Stays inside the ingress."""

    def __init__(self, part: str, reason: str) -> None:
        part, reason = (redact(" ".join(text.split())) for text in (part, reason))
        super().__init__(part, reason)
        self.part, self.reason = part, reason

    def __str__(self) -> str:
        return f"{self.part}: {self.reason}"


class CameraDirectory(Protocol):
    """Who knows the cameras. Every call is bounded in time.

    `reports`, `report` and `faults` raise `Unreachable` if the supervisor does not answer, `picture` if the
    camera's own process does not.
    """

    async def reports(self) -> list[CameraReport]: ...

    async def faults(self) -> list[str]:
        """What keeps the supervisor from doing what it was told, one line each."""
        ...

    async def report(self, camera_id: str) -> CameraReport | None: ...

    async def picture(
        self, camera_id: str, profile: PictureProfile, after: Position, timeout_s: float
    ) -> LivePicture | None:
        """The first picture newer than `after`, the news that the camera is blind, or None at `timeout_s`."""
        ...


class DetectorDirectory(Protocol):
    """Who knows the detector; raises `Unreachable`."""

    async def report(self) -> DetectorReport | None: ...

    async def reports(self) -> list[DetectorReport]:
        """Of all replicas that answer."""
        ...

    async def reload(self) -> int:
        """Has every replica load its configured weights anew, in the background; says how many do."""
        ...


class EventReader(Protocol):
    """The reading half of the event store; raises `DatabaseUnavailable`."""

    async def changes_after(self, number: int, limit: int, /) -> list[Change]: ...

    async def get(self, event_id: str, /) -> StoredEvent | None: ...

    async def last_change(self) -> int: ...

    async def ping(self) -> None: ...

    async def list(self, wanted: EventFilter, cursor: str | None, limit: int, /) -> Page:
        """Raises ValueError for a cursor that no page gave."""
        ...

    async def count(self, wanted: EventFilter, most: int, /) -> int:
        """How many there are, at most `most`."""
        ...

    async def statistics(self, wanted: EventFilter, by: StatisticsBy, zone: ZoneInfo, /) -> Buckets:
        """Raises ValueError for a span that is too long or has too many buckets."""
        ...


class EventKeeper(Protocol):
    """The half of the event store that people write to; raises `DatabaseUnavailable`."""

    async def get(self, event_id: str, /) -> StoredEvent | None: ...

    async def acknowledge(self, said: Acknowledgement, /) -> AcknowledgeOutcome: ...


class EventStore(EventReader, EventKeeper, Protocol):
    """Both halves."""


class MessageReader(Protocol):
    """The reading half of the message store; raises `DatabaseUnavailable`."""

    async def of_event(self, event_id: str, /) -> list[PlannedMessage]: ...

    async def counts(self, now: datetime, /) -> MessageCounts: ...


class SnapshotReader(Protocol):
    """The reading half of the snapshot store; raises `SnapshotsUnavailable`."""

    async def get(self, name: str, /) -> bytes:
        """Raises KeyError if there is no such picture."""
        ...

    async def ping(self) -> None: ...


class LiveMetrics(Protocol):
    """What the live streams count."""

    def connections(self, count: int) -> None: ...

    def acknowledged(self, after_s: float) -> None: ...


class MetricsPages(Protocol):
    """Who has the cluster's metrics; raises `Unreachable`."""

    async def page(self) -> bytes:
        """Prometheus' text format 0.0.4."""
        ...


class Audit(AuditLog, Protocol):
    """Keeps who did what, and shows it; raises `DatabaseUnavailable`."""

    async def list(self, wanted: AuditFilter, cursor: int | None, limit: int, /) -> AuditPage: ...


class NumberStore(Protocol):
    """Who gives the desktop client its whole numbers; raises `DatabaseUnavailable`."""

    async def numbers(self, kind: NumberKind, names: Sequence[str], /) -> Mapping[str, WholeNumber]: ...

    async def named(self, kind: NumberKind, number: int, /) -> WholeNumber | None: ...


class PositionKeeper(Protocol):
    """Who remembers how far desktop clients were told; raises `DatabaseUnavailable`."""

    async def get(self, client: str, /) -> DesktopPosition | None: ...

    async def keep(self, client: str, position: DesktopPosition, /) -> None: ...


class Generations(Protocol):
    """Who knows which release began last; raises `DatabaseUnavailable`."""

    async def begin(self, release: str, /) -> int: ...

    async def present(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that `create_app` is given."""

    cameras: CameraDirectory
    detector: DetectorDirectory
    events: EventStore
    snapshots: SnapshotReader
    metrics: LiveMetrics
    pages: MetricsPages
    messages: MessageReader
    notifications: NotificationSettings
    links: AcknowledgeLinks
    audit: Audit
    accounts: Accounts | None = None
    """None: sign-in is off."""
    zone: ZoneInfo = _UTC
    """Of the site."""
    files: ModelReader = _FILES
    cluster: ClusterReader = NO_CLUSTER
    alarms: AlarmReader | None = None
    """None: site.yaml names no Alertmanager."""
    generations: Generations | None = None
    """None: rollouts are seen by `Farewell` alone."""
    numbers: NumberStore | None = None
    """None: the desktop client is not served."""
    positions: PositionKeeper | None = None
    """None: a desktop client that comes back begins anew."""
    desktop: DesktopClientSettings = _DESKTOP
    setup: CameraSetup | None = None
    """None: cameras are only looked at."""
