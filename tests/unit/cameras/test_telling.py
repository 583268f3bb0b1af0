"""What the supervisor tells reaches the Recorder, whatever happens on the way."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from structlog.testing import capture_logs

from cluster.safety.errors import LeaseLost, StorageError
from cluster.safety.events import EpisodeState, SafetyEvent, Severity
from deployments.cameras.telling import RecorderAwayError, Telling

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(camera_id: str, severity: Severity = Severity.CRITICAL) -> SafetyEvent:
    opened = EpisodeState.OPEN
    return SafetyEvent(
        f"event-{camera_id}", 1, camera_id, "", "CAMERA_UNMONITORED", severity, opened, "process", 0, "", NOON, NOON
    )


class FakeRecorder:
    """Fails as told, one after the other; then records."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.recorded: list[tuple[str, int]] = []

    async def __call__(self, camera_id: str, epoch: int, events: Sequence[SafetyEvent]) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.recorded.append((camera_id, epoch))


def tell(recorder: FakeRecorder, *camera_ids: str, attempts: int) -> Telling:
    telling = Telling(recorder)

    async def run() -> None:
        for camera_id in camera_ids:
            await telling.tell(camera_id, 5, [event(camera_id)])
        for _ in range(attempts):
            await telling.send_first()

    asyncio.run(run())
    return telling


def test_messages_go_in_order() -> None:
    recorder = FakeRecorder()

    assert len(tell(recorder, "a", "b", attempts=2)) == 0
    assert recorder.recorded == [("a", 5), ("b", 5)]


def test_an_away_recorder_is_asked_again() -> None:
    recorder = FakeRecorder(RecorderAwayError("DatabaseUnavailable"))

    assert len(tell(recorder, "a", attempts=1)) == 1
    assert len(tell(recorder, "a", attempts=1)) == 0


def test_what_the_recorder_cannot_take_does_not_silence_the_other_cameras() -> None:
    recorded: list[str] = []

    async def recorder(camera_id: str, epoch: int, events: Sequence[SafetyEvent]) -> None:
        if camera_id == "a":
            raise RecorderAwayError("DataError")
        recorded.append(camera_id)

    telling = Telling(recorder)

    async def run() -> None:
        for camera_id in "abc":
            await telling.tell(camera_id, 5, [event(camera_id)])
        for _ in range(6):
            await telling.send_first()
        await telling.tell("d", 5, [event("d")])
        for _ in range(2):
            await telling.send_first()

    asyncio.run(run())

    assert recorded == ["b", "c", "d"]
    assert len(telling) == 1, "it is still tried"


def test_an_old_epoch_learns_the_newest_and_goes_on() -> None:
    recorder = FakeRecorder(LeaseLost("a", 5, 1_700_000_000))

    tell(recorder, "a", "b", attempts=3)

    assert recorder.recorded == [("a", 1_700_000_000), ("b", 5)]


def test_what_can_never_be_recorded_holds_up_nobody_and_is_said() -> None:
    recorder = FakeRecorder(StorageError("never a row"))

    with capture_logs() as logs:
        tell(recorder, "a", "b", attempts=2)

    assert recorder.recorded == [("b", 5)]
    assert [line["event"] for line in logs] == ["supervisor_event_refused"]


def test_the_bound_gives_up_what_is_not_critical_first_and_says_so() -> None:
    recorder = FakeRecorder()
    telling = Telling(recorder)

    async def run() -> None:
        await telling.tell("critical", 5, [event("critical")])
        await telling.tell("warning", 5, [event("warning", Severity.WARNING)])
        for number in range(999):
            await telling.tell(f"c{number}", 5, [event(f"c{number}")])
        for _ in range(len(telling)):
            await telling.send_first()

    with capture_logs() as logs:
        asyncio.run(run())

    assert [line["camera_id"] for line in logs] == ["warning"]
    assert recorder.recorded[0] == ("critical", 5)
    assert len(recorder.recorded) == 1000


def test_what_made_room_while_it_was_on_its_way_ends_nothing() -> None:
    telling: Telling

    async def crowded(camera_id: str, epoch: int, events: Sequence[SafetyEvent]) -> None:
        for number in range(1000):
            await telling.tell(f"c{number}", 5, [event(f"c{number}")])

    telling = Telling(crowded)

    async def run() -> bool:
        await telling.tell("warning", 5, [event("warning", Severity.WARNING)])
        return await telling.send_first()

    with capture_logs() as logs:
        assert asyncio.run(run())

    assert [line["camera_id"] for line in logs] == ["warning"]
    assert len(telling) == 1000
