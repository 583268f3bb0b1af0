"""A cluster that is none: cameras, events and pictures in memory, each of which can be taken away."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import cv2
import numpy as np
import pytest
from counterparts.changed_cameras import ChangedCameras
from counterparts.signed_in import AccountsSite, Tokens, open_cheaply
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.testclient import TestClient

from cluster.accounts.accounts import Accounts
from cluster.accounts.audit import AuditEntry
from cluster.accounts.audit_log import AuditFilter, AuditPage
from cluster.notifications.links import AcknowledgeLinks
from cluster.safety.errors import DatabaseUnavailable, SnapshotsUnavailable
from cluster.safety.events import EpisodeState, SafetyEvent, SeenObject, Severity, derive_event_id
from cluster.safety.messages import MessageKind, MessageState, PlannedMessage  # noqa: F401 - the page's tests make messages too
from cluster.safety.pictures import LivePicture, PictureProfile, ZoneOutline
from cluster.safety.status import CameraReport, CameraStatus, DetectorReport
from cluster.settings.notifications import NotificationSettings
from cluster.storage.acknowledging import Acknowledgement, AcknowledgeOutcome
from cluster.storage.engine import create_engine
from cluster.storage.message_counts import MessageCounts
from cluster.storage.records import Change, ChangeKind, EventFilter, Page, SnapshotState, StoredEvent
from cluster.storage.statistics import Bucket, StatisticsBy
from deployments.ingress.application import create_app
from deployments.ingress.limits import Limits
from deployments.ingress.services import Buckets, Services, Unreachable
from deployments.ingress.system_services import NO_CLUSTER, AlarmReader, ClusterReader

NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
QUICK = Limits(
    acknowledge_within_s=20.0, repeat_status_s=0.05, heartbeat_s=0.2, follow_every_s=0.01, pull_timeout_s=0.2,
    puller_linger_s=0.05, blind_pause_s=0.01, nothing_pause_s=0.01, silent_after_s=1.0, first_picture_s=0.5,
    part_deadline_s=0.3, health_cache_s=0.0, call_deadline_s=1.0, close_within_s=1.0, changes_a_page=3,
)  # fmt: skip


def jpeg_of(text: str, width: int = 640, height: int = 360) -> bytes:
    image = np.full((height, width, 3), (70, 60, 50), np.uint8)
    cv2.putText(image, text, (20, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (220, 220, 220), 3)
    return bytes(cv2.imencode(".jpg", image)[1])


def picture(camera_id: str = "gate-1", sequence: int = 1, **changed: Any) -> LivePicture:
    zone = ZoneOutline("press", "프레스 / Press", "danger", ((0.3, 0.3), (0.7, 0.3), (0.7, 1.0), (0.3, 1.0)), True)
    person = SeenObject("person", 0.78, (0.4, 0.2, 0.6, 0.9), 7)
    whole = LivePicture(
        camera_id, 3, sequence, NOON + timedelta(seconds=sequence), CameraStatus.MONITORED, "", 640, 360,
        f"frame {sequence}".encode(), (person,), sequence, (zone,),
    )  # fmt: skip
    return replace(whole, **changed)


def blind(camera_id: str = "gate-1", status: CameraStatus = CameraStatus.UNMONITORED) -> LivePicture:
    return picture(camera_id, 0, status=status, reason="no frame for 5 s", jpeg=b"", objects=(), captured_at=NOON)


def report(camera_id: str = "gate-1", status: CameraStatus = CameraStatus.MONITORED, **changed: Any) -> CameraReport:
    whole = CameraReport(
        camera_id, f"Gate {camera_id}", status, NOON, source="rtsp://***@10.0.0.5/1", inference_age_s=0.2,
        capture_fps=25.0, detect_fps=5.0,
    )  # fmt: skip
    return replace(whole, **changed)


def stored(number: int, **changed: Any) -> StoredEvent:
    event_id = derive_event_id("gate-1", "press", "DANGER_ZONE_INTRUSION", "person:7", 3, number)
    opened_at = NOON + timedelta(seconds=number)
    event = SafetyEvent(
        event_id, 1, "gate-1", "press", "DANGER_ZONE_INTRUSION", Severity.CRITICAL, EpisodeState.OPEN, "person:7", 3,
        f"gate-1-3-{number}", opened_at, opened_at,
    )  # fmt: skip
    row = {name: changed.pop(name) for name in list(changed) if name in StoredEvent.__dataclass_fields__}
    whole = StoredEvent(replace(event, **changed), SnapshotState.STORED, f"{event_id}.jpg", None, None, None, number)
    return replace(whole, **row)


@dataclass
class FakeCameras:
    """`hung` cameras answer nothing within any deadline; `gone` ones have no process."""

    known: dict[str, CameraReport] = field(default_factory=lambda: {"gate-1": report()})
    pictures: dict[str, LivePicture] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    away: bool = False
    hangs: bool = False
    pulls: int = 0
    pulling: int = 0

    async def reports(self) -> list[CameraReport]:
        if self.hangs:
            await asyncio.sleep(3600)
        if self.away:
            raise Unreachable("CameraSupervisor", "no answer in time")
        return list(self.known.values())

    async def faults(self) -> list[str]:
        await self.reports()
        return self.refused

    async def report(self, camera_id: str) -> CameraReport | None:
        await self.reports()
        return self.known.get(camera_id)

    async def picture(
        self, camera_id: str, profile: PictureProfile, after: tuple[int, int], timeout_s: float
    ) -> LivePicture | None:
        self.pulls += 1
        self.pulling += 1
        try:
            return await self._newer(camera_id, after, timeout_s)
        finally:
            self.pulling -= 1

    async def _newer(self, camera_id: str, after: tuple[int, int], timeout_s: float) -> LivePicture | None:
        end_s = asyncio.get_running_loop().time() + timeout_s
        while asyncio.get_running_loop().time() < end_s:
            if camera_id in self.gone:
                raise Unreachable(f"camera {camera_id}", "the process died")
            newest = self.pictures.get(camera_id)
            if newest is not None and (not newest.jpeg or (newest.epoch, newest.sequence) > after):
                return newest
            await asyncio.sleep(0.002)
        return None


@dataclass
class FakeDetector:
    answer: DetectorReport | None = None
    away: bool = False
    reloads: int = 0

    async def report(self) -> DetectorReport | None:
        if self.away:
            raise Unreachable("Detector", "no replica")
        return self.answer or DetectorReport(
            "fall-s", "ab" * 32, "openvino", "CPU", 320, True, 10, 0.1, pid=7, configured="fall-s", node_id="n1"
        )

    async def reports(self) -> list[DetectorReport]:
        one = await self.report()
        return [one] if one else []

    async def reload(self) -> int:
        self.reloads += 1
        return len(await self.reports())


@dataclass
class FakeEvents:
    rows: dict[str, StoredEvent] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    away: bool = False
    hangs: bool = False
    asked: list[EventFilter] = field(default_factory=list)
    said: list[Acknowledgement] = field(default_factory=list)
    pages: int = 0
    pings: int = 0

    def add(self, number: int, **changed: Any) -> StoredEvent:
        event = stored(number, **changed)
        self.rows[event.event.event_id] = event
        self.changes.append(Change(len(self.changes) + 1, ChangeKind.EVENT, event))
        return event

    async def _check(self) -> None:
        if self.hangs:
            await asyncio.sleep(3600)
        if self.away:
            raise DatabaseUnavailable("connection refused")

    async def get(self, event_id: str, /) -> StoredEvent | None:
        await self._check()
        return self.rows.get(event_id)

    async def acknowledge(self, said: Acknowledgement, /) -> AcknowledgeOutcome:
        await self._check()
        self.said.append(said)
        row = self.rows.get(said.event_id)
        if row is None:
            return AcknowledgeOutcome.UNKNOWN
        if said.occurrence not in (None, row.occurrence):
            return AcknowledgeOutcome.SUPERSEDED
        if row.acknowledged_at is not None:
            return AcknowledgeOutcome.ALREADY
        self.rows[said.event_id] = replace(
            row, acknowledged_by=said.by, acknowledged_at=said.at, acknowledged_remark=said.remark,
            acknowledged_way=said.way.value,
        )  # fmt: skip
        return AcknowledgeOutcome.FIRST

    async def changes_after(self, number: int, limit: int, /) -> list[Change]:
        await self._check()
        self.pages += 1
        return [change for change in self.changes if change.number > number][:limit]

    async def last_change(self) -> int:
        await self._check()
        return self.changes[-1].number if self.changes else 0

    async def ping(self) -> None:
        self.pings += 1
        await self._check()

    async def list(self, wanted: EventFilter, cursor: str | None, limit: int, /) -> Page:
        await self._check()
        if cursor is not None and not cursor.isdecimal():
            raise ValueError("cursor")
        self.asked.append(wanted)
        start = int(cursor or 0)
        newest = self._shown(wanted)
        end = start + limit
        return Page(tuple(newest[start:end]), str(end) if end < len(newest) else None)

    async def count(self, wanted: EventFilter, most: int, /) -> int:
        await self._check()
        return min(most, len(self._shown(wanted)))

    async def statistics(self, wanted: EventFilter, by: StatisticsBy, zone: ZoneInfo, /) -> Buckets:
        await self._check()
        self.asked.append(wanted)
        return [Bucket("2026-11-22T03:00:00Z", "DANGER_ZONE_INTRUSION", Severity.CRITICAL, len(self._shown(wanted)))]

    def _shown(self, wanted: EventFilter) -> Sequence[StoredEvent]:
        """Of the filters only that which somebody else sets for who asks."""
        newest = sorted(self.rows.values(), key=lambda row: row.event.opened_at, reverse=True)
        return [row for row in newest if wanted.cameras is None or row.event.camera_id in wanted.cameras]


@dataclass
class FakeSnapshots:
    kept: dict[str, bytes] = field(default_factory=dict)
    away: bool = False

    async def get(self, name: str, /) -> bytes:
        await self.ping()
        return self.kept[name]

    async def ping(self) -> None:
        if self.away:
            raise SnapshotsUnavailable("the folder is read-only")


@dataclass
class FakeMetrics:
    open: int = 0
    most_open: int = 0
    acknowledged_s: list[float] = field(default_factory=list)

    def connections(self, count: int) -> None:
        self.open = count
        self.most_open = max(self.most_open, count)

    def acknowledged(self, after_s: float) -> None:
        self.acknowledged_s.append(after_s)


@dataclass
class FakePages:
    text: str = "# HELP frames_total Frames.\n# TYPE frames_total counter\n"
    away: bool = False

    async def page(self) -> bytes:
        if self.away:
            raise Unreachable("MetricsHub", "no answer in time")
        return self.text.encode()


@dataclass
class FakeMessages:
    told: list[PlannedMessage] = field(default_factory=list)
    by_state: dict[MessageState, int] = field(default_factory=dict)
    late_s: float = 0.0
    away: bool = False

    async def of_event(self, event_id: str, /) -> list[PlannedMessage]:
        return [one for one in self.told if one.event_id == event_id]

    async def counts(self, now: datetime, /) -> MessageCounts:
        if self.away:
            raise DatabaseUnavailable("connection refused")
        return MessageCounts(self.by_state, self.late_s)


TOLD = NotificationSettings.model_validate(
    {
        "channels": [{"channel_id": "room", "kind": "slack_webhook", "url": "${HOOK}"}],
        "rules": [{"name": "all", "steps": [{"channels": ["room"]}]}],
    }
)


class FakeAudit:
    """Keeps what was done."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []
        self.away = False

    async def record(self, entry: AuditEntry, /) -> None:
        if self.away:
            raise DatabaseUnavailable("connection refused")
        self.entries.append(entry)

    async def list(self, wanted: AuditFilter, cursor: int | None, limit: int, /) -> AuditPage:
        return AuditPage(self.entries[::-1][:limit], None)


@dataclass
class Site:
    """The fakes behind one application."""

    cameras: FakeCameras = field(default_factory=FakeCameras)
    detector: FakeDetector = field(default_factory=FakeDetector)
    events: FakeEvents = field(default_factory=FakeEvents)
    snapshots: FakeSnapshots = field(default_factory=FakeSnapshots)
    metrics: FakeMetrics = field(default_factory=FakeMetrics)
    pages: FakePages = field(default_factory=FakePages)
    messages: FakeMessages = field(default_factory=FakeMessages)
    notifications: NotificationSettings = TOLD
    links: AcknowledgeLinks = field(default_factory=lambda: AcknowledgeLinks("k" * 32, "http://localhost:8001", 60))
    audit: FakeAudit = field(default_factory=FakeAudit)
    accounts: Accounts | None = None
    cluster: ClusterReader = NO_CLUSTER
    alarms: AlarmReader | None = None
    changed: ChangedCameras = field(default_factory=ChangedCameras)

    @property
    def services(self) -> Services:
        return Services(
            self.cameras, self.detector, self.events, self.snapshots, self.metrics, self.pages, self.messages,
            self.notifications, self.links, self.audit, accounts=self.accounts, cluster=self.cluster,
            alarms=self.alarms, setup=self.changed.setup,
        )  # fmt: skip

    def app(self, limits: Limits = QUICK, **options: Any) -> Any:
        return create_app(self.services, limits=limits, release="test", **options)


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    with TestClient(site.app(), base_url="http://localhost:8001", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def accounts_site(tmp_path_factory: pytest.TempPathFactory) -> AccountsSite:
    """A database with a user and a token of each role; `signed_site` works on a copy."""
    return AccountsSite(tmp_path_factory.mktemp("accounts"))


@pytest.fixture
def tokens(accounts_site: AccountsSite) -> Tokens:
    return accounts_site.tokens


@pytest.fixture
def signed_engine(accounts_site: AccountsSite, tmp_path: Path) -> AsyncEngine:
    """For one event loop, which disposes of it."""
    return create_engine(accounts_site.copied(tmp_path / "data"))


@pytest.fixture
def signed_site(site: Site, signed_engine: AsyncEngine) -> Site:
    """As `site`, with sign-in on."""
    site.accounts = open_cheaply(signed_engine)
    return site


@pytest.fixture
def signed_client(signed_site: Site, signed_engine: AsyncEngine) -> Iterator[TestClient]:
    app = signed_site.app(close_engine=signed_engine.dispose)
    with TestClient(app, base_url="http://localhost:8001", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def make() -> SimpleNamespace:
    """The makers of values, because test files cannot import them."""
    return SimpleNamespace(
        picture=picture, blind=blind, report=report, stored=stored, jpeg_of=jpeg_of, QUICK=QUICK, NOON=NOON
    )
