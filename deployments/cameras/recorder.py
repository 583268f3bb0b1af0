"""Writes what cameras tell into the database and the snapshot store. Owns nothing."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import structlog
from ray.serve.handle import DeploymentHandle

from cluster.notifications.planning import MessagePlanner
from cluster.safety.errors import DatabaseUnavailable, SnapshotsUnavailable, StorageError
from cluster.safety.events import SafetyEvent
from cluster.settings.load import load_site
from cluster.storage.engine import create_engine
from cluster.storage.events import EventStore, StoredEvent
from cluster.storage.snapshots import open_snapshots, snapshot_name
from cluster.telemetry import metrics
from cluster.telemetry.logs import configure_logs, take_logging
from deployments.cameras.failures_in_a_row import FailuresInARow
from deployments.cameras.nudging import Nudge
from deployments.shared_storage import refuse_another_disk

_log = structlog.get_logger()


class Events(Protocol):
    """The rows (`cluster.storage.events.EventStore`)."""

    async def record(
        self, camera_id: str, sender_epoch: int, events: Sequence[SafetyEvent], pending_snapshots: Collection[str]
    ) -> int: ...

    async def get(self, event_id: str) -> StoredEvent | None: ...

    async def snapshot_stored(self, event_id: str, name: str) -> bool: ...

    async def snapshot_lost(self, event_id: str) -> bool: ...

    async def ping(self) -> None: ...


class Pictures(Protocol):
    """The snapshot store (`cluster.storage.snapshots.SnapshotStore`)."""

    async def put(self, name: str, jpeg: bytes) -> None: ...

    async def ping(self) -> None: ...


class EventRecorder:
    """Rows first, pictures when they come; any number of calls at once. Repeating a call is safe."""

    def __init__(self, events: Events, pictures: Pictures) -> None:
        self._events, self._pictures = events, pictures
        self._database = FailuresInARow(metrics.database_consecutive_failures, events.ping)
        self._snapshots = FailuresInARow(metrics.snapshot_consecutive_failures, pictures.ping)

    async def record(
        self, camera_id: str, sender_epoch: int, events: Sequence[SafetyEvent], with_pictures: Collection[str]
    ) -> int:
        """Keeps what is newer than the rows, in one transaction; says how many changed.

        Raises:
            LeaseLost: `sender_epoch` was followed by another.
            DatabaseUnavailable: not now; the caller keeps the events.
            StorageError: an event that can never be a row.
        """
        with self._counted_database():
            try:
                changed = await self._events.record(camera_id, sender_epoch, events, with_pictures)
            except ValueError as error:
                raise StorageError(f"camera {camera_id}: {error}") from error
        _tell(events, changed)
        return changed

    async def store_picture(self, camera_id: str, event_id: str, kind: str, correlation_id: str, jpeg: bytes) -> None:
        """Keeps one picture of a recorded event; the `drawn` one, which comes last, makes the row say `stored`.

        Raises:
            SnapshotsUnavailable, DatabaseUnavailable: not now; the caller keeps the picture.
        """
        with self._counted_database():
            stored = await self._events.get(event_id)
        if stored is None:
            _log.warning("picture_without_event", camera_id=camera_id, event_id=event_id, correlation_id=correlation_id)
            return
        # The row may be at a later revision by now; the picture belongs to the frame that it shows.
        name = snapshot_name(replace(stored.event, correlation_id=correlation_id), kind == "clean")
        await self._put(name, jpeg)
        if kind == "drawn":
            with self._counted_database():
                await self._events.snapshot_stored(event_id, name)
            _log.info("snapshot_stored", camera_id=camera_id, event_id=event_id, correlation_id=correlation_id)

    async def picture_lost(self, camera_id: str, event_id: str) -> None:
        """The camera had to give the picture up.

        Raises:
            DatabaseUnavailable: not now.
        """
        with self._counted_database():
            await self._events.snapshot_lost(event_id)
        _log.error("snapshot_lost", camera_id=camera_id, event_id=event_id)

    async def health(self) -> dict[str, Any]:
        """Whether database and snapshot store answer now, and how many calls in a row failed on each."""
        return {
            "database": await _answer(self._events.ping),
            "snapshots": await _answer(self._pictures.ping),
            "database_failures": self._database.count,
            "snapshot_failures": self._snapshots.count,
        }

    async def _put(self, name: str, jpeg: bytes) -> None:
        try:
            await self._pictures.put(name, jpeg)
        except SnapshotsUnavailable as error:
            self._snapshots.failed()
            metrics.snapshot_failures.inc()
            _log.error("snapshot_failed", name=name, reason=str(error), failures=self._snapshots.count)
            raise
        if self._snapshots.count:
            _log.warning("snapshots_back", failures=self._snapshots.count)
        self._snapshots.succeeded()

    @contextmanager
    def _counted_database(self) -> Iterator[None]:
        try:
            yield
        except DatabaseUnavailable as error:
            self._database.failed()
            metrics.database_failures.inc()
            _log.error("database_failed", reason=str(error), failures=self._database.count)
            raise
        if self._database.count:
            _log.warning("database_back", failures=self._database.count)
        self._database.succeeded()


def _tell(events: Sequence[SafetyEvent], changed: int) -> None:
    """Logs what the rows say now. Of events sent again, `changed` tells how many were new, but not which."""
    for event in events if changed else ():
        _log.info(
            "event_recorded",
            correlation_id=event.correlation_id,
            event_id=event.event_id,
            revision=event.revision,
            event_type=event.event_type,
            severity=event.severity.value,
            state=event.state.value,
        )
    for event in [event for event in events if event.revision == 1][:changed]:
        metrics.safety_events.inc(1, {"type": event.event_type, "severity": event.severity.value})


async def _answer(ping: Callable[[], Awaitable[None]]) -> str:
    """`ok`, or why not in one line."""
    try:
        await ping()
    except StorageError as error:
        return str(error)
    return "ok"


def _nobody() -> None:
    """Nudges nobody: there is no Notifier."""


class Recorder:
    """Serve deployment. Without `check_health`: a database that is away is no reason to stop a replica."""

    def __init__(self, site_file: str, notifier: DeploymentHandle[Any] | None = None) -> None:
        configure_logs("recorder")
        self._site = load_site(site_file)
        refuse_another_disk(self._site)
        self._recorder: EventRecorder | None = None
        self._nudge: Callable[[], None] = _nobody
        if notifier is not None:
            self._nudge = Nudge(notifier.options(method_name="nudge").remote)

    async def record(
        self, camera_id: str, sender_epoch: int, events: list[SafetyEvent], with_pictures: frozenset[str]
    ) -> int:
        changed = await self._opened().record(camera_id, sender_epoch, events, with_pictures)
        if changed:
            self._nudge()
        return changed

    async def store_picture(self, camera_id: str, event_id: str, kind: str, correlation_id: str, jpeg: bytes) -> None:
        await self._opened().store_picture(camera_id, event_id, kind, correlation_id, jpeg)

    async def picture_lost(self, camera_id: str, event_id: str) -> None:
        await self._opened().picture_lost(camera_id, event_id)

    async def health(self) -> dict[str, Any]:
        return await self._opened().health()

    async def reconfigure(self, user_config: Any) -> None:
        """`logging` is all that can be said here; never raises (Ray would stop the replica)."""
        take_logging(user_config, "serve_config.yaml")

    async def check_health(self) -> None:
        """Opens what it stands on before anybody calls: one that has nothing to do must say so (MetricsMissing)."""
        self._opened()

    def _opened(self) -> EventRecorder:
        """Made by the first call, because the engine belongs to the event loop that uses it."""
        if self._recorder is None:
            planner = MessagePlanner(self._site.notifications, ZoneInfo(self._site.time_zone))
            events = EventStore(create_engine(self._site), planner)
            self._recorder = EventRecorder(events, open_snapshots(self._site))
        return self._recorder
