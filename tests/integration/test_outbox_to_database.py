"""From a camera's outbox over its courier and the Recorder into a real database and a real folder of snapshots."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from counterparts.databases import MakeEvent
from counterparts.postgres import PostgresServer
from counterparts.waiting import wait_for

from cluster.camera.courier import Courier
from cluster.camera.outbox import Outbox
from cluster.camera.snapshot import SnapshotJpegs
from cluster.safety.events import EpisodeState, SafetyEvent
from cluster.settings.site import SiteSettings
from cluster.storage.engine import create_engine
from cluster.storage.events import EventFilter, EventStore
from cluster.storage.records import Change, ChangeKind, SnapshotState, StoredEvent
from cluster.storage.snapshots import open_snapshots
from deployments.cameras.recorder import EventRecorder

GENEROUS_S = 60.0


class LoopRecorder:
    """Stands where the Serve handle stands: the Recorder lives in an event loop of its own."""

    def __init__(self, site: SiteSettings) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._engine = create_engine(site)
        self.store = EventStore(self._engine)
        self._recorder = EventRecorder(self.store, open_snapshots(site))
        self.failures = 0
        self.failed = threading.Event()

    def wait(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(GENEROUS_S)

    def record(
        self, camera_id: str, sender_epoch: int, events: list[SafetyEvent], with_pictures: frozenset[str]
    ) -> None:
        self._told(self._recorder.record(camera_id, sender_epoch, events, with_pictures))

    def store_picture(self, camera_id: str, event_id: str, kind: str, correlation_id: str, jpeg: bytes) -> None:
        self._told(self._recorder.store_picture(camera_id, event_id, kind, correlation_id, jpeg))

    def picture_lost(self, camera_id: str, event_id: str) -> None:
        self._told(self._recorder.picture_lost(camera_id, event_id))

    def _told(self, coroutine: Any) -> None:
        try:
            self.wait(coroutine)
        except Exception:
            self.failures += 1
            self.failed.set()
            raise

    def rows(self) -> dict[str, StoredEvent]:
        return {row.event.event_id: row for row in self.wait(self.store.list(EventFilter())).items}

    def changes(self) -> list[Change]:
        return list(self.wait(self.store.changes_after(0, 1000)))

    def close(self) -> None:
        self.wait(self._engine.dispose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(GENEROUS_S)
        self._loop.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[SiteSettings], tuple[Outbox, Courier, LoopRecorder]]]:
    """An outbox, and its courier at work."""
    ends: list[Callable[[], Any]] = []

    def make(site: SiteSettings) -> tuple[Outbox, Courier, LoopRecorder]:
        outbox, recorder = Outbox(tmp_path / "outbox", site.outbox, "gate-1"), LoopRecorder(site)
        courier = Courier(outbox, recorder, camera_id="gate-1", epoch=1, retry_max_s=0.5, on_lease_lost=lambda: None)
        thread = threading.Thread(target=courier.run)
        thread.start()
        ends.extend([recorder.close, outbox.close, lambda: thread.join(GENEROUS_S), courier.stop])
        return outbox, courier, recorder

    yield make
    while ends:
        ends.pop()()


def snapshot_of(event: SafetyEvent) -> SnapshotJpegs:
    return SnapshotJpegs(b"drawn " + event.event_id.encode(), b"clean", event.correlation_id)


def test_events_and_pictures_arrive_once(start, database_site: SiteSettings, make_event: MakeEvent) -> None:
    outbox, courier, recorder = start(database_site)
    opened = [make_event(n) for n in range(1, 11)]
    for event in opened:
        outbox.accept([event], snapshot_of(event), [])
        courier.wake()
    outbox.accept([make_event(1, revision=2, state=EpisodeState.CLOSED, correlation_id="gate-1-1-99")], None, [])

    assert courier.flush(GENEROUS_S)

    rows = recorder.rows()
    assert sorted(rows) == [event.event_id for event in opened]
    assert rows["event-001"].event.state is EpisodeState.CLOSED
    assert {row.snapshot_state for row in rows.values()} == {SnapshotState.STORED}
    kinds = [change.kind for change in recorder.changes()]
    assert (kinds.count(ChangeKind.EVENT), kinds.count(ChangeKind.SNAPSHOT_STORED)) == (11, 10)


def test_a_database_that_stops_during_events_has_them_all_once_after_it_returns(
    start, postgres_server: PostgresServer, postgres_site: SiteSettings, make_event: MakeEvent
) -> None:
    outbox, courier, recorder = start(postgres_site)
    outbox.accept([make_event(1)], None, [])
    assert courier.flush(GENEROUS_S)
    postgres_server.stop()
    try:
        for n in range(2, 41):
            event = make_event(n)
            outbox.accept([event], snapshot_of(event), [])
            courier.wake()
        assert recorder.failed.wait(GENEROUS_S)
        assert outbox.depth() == 39
    finally:
        postgres_server.start()

    assert courier.flush(GENEROUS_S)

    assert sorted(recorder.rows()) == [f"event-{n:03}" for n in range(1, 41)]
    told = [change.event.event.event_id for change in recorder.changes() if change.kind is ChangeKind.EVENT]
    assert sorted(told) == [f"event-{n:03}" for n in range(1, 41)], "none twice"


def test_a_snapshot_folder_that_cannot_be_written_delays_pictures_only(
    start, sqlite_site: SiteSettings, make_event: MakeEvent
) -> None:
    in_the_way = sqlite_site.data_dir / "snapshots"
    in_the_way.write_text("a file where the folder should be")
    outbox, courier, recorder = start(sqlite_site)
    outbox.accept([make_event(1)], snapshot_of(make_event(1)), [])
    courier.wake()
    assert recorder.failed.wait(GENEROUS_S)
    assert recorder.rows()["event-001"].snapshot_state is SnapshotState.PENDING

    in_the_way.unlink()

    wait_for("the pictures to leave", lambda: outbox.pictures_waiting() == 0, GENEROUS_S, every_s=0.05)
    assert recorder.rows()["event-001"].snapshot_state is SnapshotState.STORED
