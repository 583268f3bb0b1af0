import asyncio
import inspect
import pickle
from types import SimpleNamespace

import pytest
from counterparts.events import safety_event
from structlog.testing import capture_logs

from cluster.camera.courier import RecorderPort
from cluster.safety.errors import DatabaseUnavailable, LeaseLost, SnapshotsUnavailable, StorageError
from cluster.safety.events import SafetyEvent
from deployments.cameras import recorder as recorder_module
from deployments.cameras.recorder import EventRecorder, Recorder


def event(n: int = 1, revision: int = 1) -> SafetyEvent:
    return safety_event(n, revision=revision, epoch=3, correlation_id=f"gate-1-3-{n * 10 + revision}")


class FakeEvents:
    """Rows by id; `error` is raised by every call while it is set."""

    def __init__(self) -> None:
        self.rows: dict[str, SafetyEvent] = {}
        self.pending: set[str] = set()
        self.stored: dict[str, str] = {}
        self.lost: list[str] = []
        self.error: Exception | None = None

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error

    async def record(self, camera_id, sender_epoch, events, pending_snapshots) -> int:
        self._fail()
        newer = [e for e in events if e.event_id not in self.rows or self.rows[e.event_id].revision < e.revision]
        self.rows.update({e.event_id: e for e in newer})
        self.pending |= set(pending_snapshots)
        return len(newer)

    async def get(self, event_id):
        self._fail()
        row = self.rows.get(event_id)
        return None if row is None else SimpleNamespace(event=row)

    async def snapshot_stored(self, event_id, name) -> bool:
        self._fail()
        self.stored[event_id] = name
        return True

    async def snapshot_lost(self, event_id) -> bool:
        self._fail()
        self.lost.append(event_id)
        return True

    async def ping(self) -> None:
        self._fail()


class FakePictures:
    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.error: Exception | None = None

    async def put(self, name, jpeg) -> None:
        await self.ping()
        self.kept[name] = jpeg

    async def ping(self) -> None:
        if self.error is not None:
            raise self.error


@pytest.fixture
def events() -> FakeEvents:
    return FakeEvents()


@pytest.fixture
def pictures() -> FakePictures:
    return FakePictures()


@pytest.fixture
def recorder(events: FakeEvents, pictures: FakePictures) -> EventRecorder:
    return EventRecorder(events, pictures)


@pytest.fixture
def counted(monkeypatch) -> dict[str, float]:
    """What was added to the metrics, by name and labels."""
    sums: dict[str, float] = {}

    def counter(name: str) -> SimpleNamespace:
        def inc(value: float = 1.0, tags: dict[str, str] | None = None) -> None:
            key = " ".join([name, *(tags or {}).values()])
            sums[key] = sums.get(key, 0) + value

        return SimpleNamespace(inc=inc)

    named = {name: counter(name) for name in ("safety_events", "database_failures", "snapshot_failures")}
    monkeypatch.setattr(recorder_module, "metrics", SimpleNamespace(**named))
    return sums


def test_a_row_is_written_while_its_picture_is_pending(recorder, events) -> None:
    assert asyncio.run(recorder.record("gate-1", 3, [event()], frozenset({"event-1"}))) == 1

    assert events.rows == {"event-1": event()}
    assert events.pending == {"event-1"}


def test_a_recorded_event_is_logged_and_counted_once(recorder, counted) -> None:
    with capture_logs() as logs:
        asyncio.run(recorder.record("gate-1", 3, [event(1), event(2)], frozenset()))
        asyncio.run(recorder.record("gate-1", 3, [event(1), event(2)], frozenset()))
        asyncio.run(recorder.record("gate-1", 3, [event(1, revision=2)], frozenset()))

    assert counted == {"safety_events DANGER_ZONE_INTRUSION CRITICAL": 2}
    assert [(entry["event"], entry["event_id"], entry["revision"], entry["correlation_id"]) for entry in logs] == [
        ("event_recorded", "event-1", 1, "gate-1-3-11"),
        ("event_recorded", "event-2", 1, "gate-1-3-21"),
        ("event_recorded", "event-1", 2, "gate-1-3-12"),
    ]


def test_pictures_are_named_after_their_own_frame_and_the_drawn_one_completes_the_row(
    recorder, events, pictures
) -> None:
    async def store() -> None:
        await recorder.record("gate-1", 3, [event(1), event(1, revision=2)], frozenset({"event-1"}))
        await recorder.store_picture("gate-1", "event-1", "clean", "gate-1-3-11", b"clean")
        assert events.stored == {}
        await recorder.store_picture("gate-1", "event-1", "drawn", "gate-1-3-11", b"drawn")

    asyncio.run(store())

    name = "gate-1/2026/03/01/gate-1-3-11-event-1"
    assert pictures.kept == {f"{name}-clean.jpg": b"clean", f"{name}.jpg": b"drawn"}
    assert events.stored == {"event-1": f"{name}.jpg"}


def test_a_store_that_takes_no_picture_leaves_the_row_pending_and_is_counted(
    recorder, events, pictures, counted
) -> None:
    events.rows["event-1"] = event()
    pictures.error = SnapshotsUnavailable("read-only")

    with pytest.raises(SnapshotsUnavailable):
        asyncio.run(recorder.store_picture("gate-1", "event-1", "drawn", "gate-1-3-11", b"drawn"))

    assert events.stored == {}
    assert counted == {"snapshot_failures": 1}


def test_a_picture_without_a_row_is_done_with_and_said(recorder, pictures) -> None:
    with capture_logs() as logs:
        asyncio.run(recorder.store_picture("gate-1", "gone", "drawn", "gate-1-3-11", b"drawn"))

    assert pictures.kept == {}
    assert [entry["event"] for entry in logs] == ["picture_without_event"]


def test_a_lost_picture_is_told_to_the_row(recorder, events) -> None:
    asyncio.run(recorder.picture_lost("gate-1", "event-1"))

    assert events.lost == ["event-1"]


def test_a_database_that_is_away_is_counted_and_the_caller_hears_it(recorder, events, counted) -> None:
    events.error = DatabaseUnavailable("refused")

    async def all_calls() -> None:
        for call in (
            recorder.record("gate-1", 3, [event()], frozenset()),
            recorder.store_picture("gate-1", "event-1", "drawn", "gate-1-3-11", b"drawn"),
            recorder.picture_lost("gate-1", "event-1"),
        ):
            with pytest.raises(DatabaseUnavailable):
                await call

    asyncio.run(all_calls())

    assert counted == {"database_failures": 3}


def test_a_lost_lease_reaches_the_camera(recorder, events) -> None:
    events.error = LeaseLost("gate-1", 3, 4)

    with pytest.raises(LeaseLost):
        asyncio.run(recorder.record("gate-1", 3, [event()], frozenset()))


def test_an_event_that_can_never_be_a_row_is_told_apart_from_an_absent_database(recorder, events) -> None:
    events.error = ValueError("camera_id: 'gate-2'")

    with pytest.raises(StorageError) as raised:
        asyncio.run(recorder.record("gate-1", 3, [event()], frozenset()))

    assert not isinstance(raised.value, DatabaseUnavailable | LeaseLost)
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)  # noqa: S301 - our own error


def test_health_says_what_answers_and_how_often_it_did_not(recorder, events, pictures, counted) -> None:
    async def life() -> list[dict[str, object]]:
        healthy = await recorder.health()
        events.error, pictures.error = DatabaseUnavailable("refused"), SnapshotsUnavailable("read-only")
        for _ in range(2):
            with pytest.raises(DatabaseUnavailable):
                await recorder.record("gate-1", 3, [event()], frozenset())
        failing = await recorder.health()
        events.error = None
        await recorder.record("gate-1", 3, [event()], frozenset())
        return [healthy, failing, await recorder.health()]

    healthy, failing, back = asyncio.run(life())

    assert healthy == {"database": "ok", "snapshots": "ok", "database_failures": 0, "snapshot_failures": 0}
    assert failing == {
        "database": "refused", "snapshots": "read-only", "database_failures": 2, "snapshot_failures": 0,
    }  # fmt: skip
    assert (back["database"], back["database_failures"]) == ("ok", 0)


@pytest.mark.parametrize("method", ["record", "store_picture", "picture_lost"])
def test_the_deployment_takes_what_the_courier_sends(method: str) -> None:
    """They meet by name and position over a handle, where no type checker looks."""
    sent = list(inspect.signature(getattr(RecorderPort, method)).parameters)

    assert list(inspect.signature(getattr(Recorder, method)).parameters) == sent
    assert list(inspect.signature(getattr(EventRecorder, method)).parameters) == sent
