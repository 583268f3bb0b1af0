"""What a camera sees becomes durable in one step with what is open."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from cluster.camera.ledger import EpisodeLedger
from cluster.camera.snapshot import SnapshotJpegs
from cluster.safety.camera_rules import CameraHealthRules
from cluster.safety.errors import OutboxFull
from cluster.safety.events import EpisodeState, SafetyEvent
from cluster.safety.frames import Frame
from cluster.safety.status import CameraStatus
from cluster.safety.tracks import Observation, Track
from cluster.safety.zone_rules import CameraRules
from cluster.safety.zones import Zone

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ZONE = Zone("press", ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)), enter_debounce_s=0.0)
SOMEBODY = (Track(1, "person", 0.9, (0.4, 0.2, 0.6, 0.8)),)


class FakeSink:
    """Keeps what it is given; full when told so."""

    def __init__(self) -> None:
        self.steps: list[tuple[list[SafetyEvent], SnapshotJpegs | None, list[dict[str, Any]]]] = []
        self.full = False

    def accept(
        self, events: Sequence[SafetyEvent], snapshot: SnapshotJpegs | None, open_episodes: Sequence[dict[str, Any]]
    ) -> None:
        if self.full:
            raise OutboxFull("/outbox", "no space left on device")
        self.steps.append((list(events), snapshot, list(open_episodes)))


class Desk:
    """A ledger, and frames for it."""

    def __init__(self, sink: FakeSink, zones: tuple[Zone, ...] = (ZONE,), epoch: int = 1) -> None:
        self.sink, self.woken = sink, 0
        rules, health = CameraRules("a", epoch, zones), CameraHealthRules("a", epoch, True)
        self.ledger = EpisodeLedger(rules, health, sink, zones=zones, on_events=self._wake)
        self.epoch = epoch

    def _wake(self) -> None:
        self.woken += 1

    def see(self, second: float, tracks: tuple[Track, ...], knows: frozenset[str] | None = None) -> list[SafetyEvent]:
        at = NOON + timedelta(seconds=second)
        frame = Frame("a", self.epoch, int(second * 10), at, second, np.zeros((90, 160, 3), np.uint8))
        return self.ledger.observe(Observation("a", self.epoch, frame.sequence, at, second, tracks, knows=knows), frame)

    def status(self, second: float, status: CameraStatus, reason: str = "") -> list[SafetyEvent]:
        return self.ledger.status(status, reason, NOON + timedelta(seconds=second), second, "a-1-0")


@pytest.fixture
def desk() -> Desk:
    return Desk(FakeSink())


def test_an_opening_goes_to_the_sink_with_its_picture_and_what_is_open(desk: Desk) -> None:
    desk.see(1.0, SOMEBODY)

    ((events, snapshot, episodes),) = desk.sink.steps
    assert [event.event_type for event in events] == ["DANGER_ZONE_INTRUSION"]
    assert snapshot is not None
    assert snapshot.correlation_id == events[0].correlation_id
    assert [episode["event_id"] for episode in episodes] == [events[0].event_id]
    assert desk.woken == 1


def test_nothing_new_touches_no_disk(desk: Desk) -> None:
    desk.see(1.0, ())
    desk.status(1.0, CameraStatus.MONITORED)

    assert desk.sink.steps == []


def test_a_full_sink_is_offered_the_rest_with_the_next_step(desk: Desk) -> None:
    desk.sink.full = True
    desk.see(1.0, SOMEBODY)
    assert desk.woken == 1, "the sink sends what it holds in memory"

    desk.sink.full = False
    desk.status(1.5, CameraStatus.MONITORED)
    desk.status(2.0, CameraStatus.MONITORED)

    assert len(desk.sink.steps) == 1
    assert len(desk.sink.steps[0][2]) == 1


def test_a_blind_camera_keeps_its_intrusion_open(desk: Desk) -> None:
    desk.see(1.0, SOMEBODY)
    desk.status(5.0, CameraStatus.UNMONITORED, "no frame arrives")
    desk.status(60.0, CameraStatus.UNMONITORED, "no frame arrives")

    told = [event for events, _, _ in desk.sink.steps for event in events]
    assert [event.event_type for event in told] == ["DANGER_ZONE_INTRUSION", "CAMERA_UNMONITORED"]
    assert {event.state for event in told} == {EpisodeState.OPEN}
    assert desk.ledger.outlines()[0].occupied


def test_while_nobody_looks_an_intrusion_stays_open_and_a_debounce_starts_again() -> None:
    slow = Zone("slow", ZONE.polygon, enter_debounce_s=1.0)
    desk = Desk(FakeSink(), zones=(ZONE, slow))
    desk.see(1.0, SOMEBODY)
    desk.see(1.8, SOMEBODY)

    desk.ledger.unwatched(NOON + timedelta(seconds=2), 2.0)

    desk.see(2.2, SOMEBODY)
    assert {event.zone_id for events, _, _ in desk.sink.steps for event in events} == {"press"}
    assert desk.ledger.outlines()[0].occupied


def test_the_next_owner_takes_up_both_kinds_of_episodes(desk: Desk) -> None:
    desk.see(1.0, SOMEBODY)
    desk.status(5.0, CameraStatus.UNMONITORED, "no frame arrives")
    first = {event.event_type: event.event_id for events, _, _ in desk.sink.steps for event in events}

    heir = Desk(FakeSink(), epoch=2)
    heir.ledger.resume(desk.sink.steps[-1][2], NOON + timedelta(seconds=9), 100.0)
    resumed = heir.see(101.0, SOMEBODY)
    closed = heir.status(101.5, CameraStatus.MONITORED)

    assert [event.event_id for event in resumed] == [first["DANGER_ZONE_INTRUSION"]]
    assert [(event.event_id, event.state) for event in closed] == [(first["CAMERA_UNMONITORED"], EpisodeState.CLOSED)]


def test_rules_that_the_model_cannot_judge_are_said_and_tell_nothing() -> None:
    helmets = Zone("press", ZONE.polygon, enter_debounce_s=0.0, require=("helmet",), missing_after_s=0.0)
    desk = Desk(FakeSink(), (helmets,))
    knows = frozenset({"person", "fallen_person"})

    with capture_logs() as logs:
        for tenth in range(50):
            desk.see(1.0 + tenth / 10, SOMEBODY, knows)

    assert desk.ledger.unjudged() == {"helmet"}
    assert [line["event"] for line in logs] == ["rules_not_judged", "event_raised", "event_kept"]
    told = {event.event_type for events, _, _ in desk.sink.steps for event in events}
    assert told == {"DANGER_ZONE_INTRUSION"}


def test_a_retired_camera_ends_what_is_open_and_a_late_thread_opens_nothing(desk: Desk) -> None:
    desk.see(1.0, SOMEBODY)
    desk.ledger.retire(NOON + timedelta(seconds=2), 2.0, "a-1-0")
    desk.see(2.2, SOMEBODY)
    desk.status(8.0, CameraStatus.UNMONITORED, "no frame arrives")
    desk.ledger.retire(NOON + timedelta(seconds=9), 9.0, "a-1-0")

    told = [event.state for events, _, _ in desk.sink.steps for event in events]
    assert told == [EpisodeState.OPEN, EpisodeState.CLOSED]


def test_an_episode_of_another_release_does_not_keep_the_camera_from_watching(desk: Desk) -> None:
    desk.see(1.0, SOMEBODY)
    (saved,) = desk.sink.steps[-1][2]

    heir = Desk(FakeSink(), epoch=2)
    with capture_logs() as logs:
        heir.ledger.resume([{**saved, "of_tomorrow": 1}], NOON, 0.0)

    assert [line["event"] for line in logs] == ["episode_unreadable"]
    assert [event.state for event in heir.see(3.0, SOMEBODY)] == [EpisodeState.OPEN]


def test_what_the_database_shows_open_is_on_the_own_disk_at_once(desk: Desk) -> None:
    first = Desk(FakeSink())
    first.see(1.0, SOMEBODY)
    ((_, _, told),) = first.sink.steps
    heir = Desk(FakeSink(), epoch=2)

    heir.ledger.resume([], NOON, 10.0, told)

    ((events, _, on_disk),) = heir.sink.steps
    assert events == []
    assert [(one["event_id"], one["revision"]) for one in on_disk] == [(told[0]["event_id"], 1001)]
    assert heir.ledger.open_events == (told[0]["event_id"],)

    heir.see(11.0, SOMEBODY)
    resumed = heir.sink.steps[-1][0]
    assert [(event.event_id, event.revision) for event in resumed] == [(told[0]["event_id"], 1002)]


def test_what_ended_on_another_node_does_not_go_on_when_the_camera_comes_back(desk: Desk) -> None:
    """A to B to A: the disk of A still holds it open, the database shows that B ended it."""
    first = Desk(FakeSink())
    (opened,) = first.see(1.0, SOMEBODY)
    ((_, _, saved),) = first.sink.steps

    desk.ledger.resume(saved, NOON, 10.0, [], frozenset())

    assert desk.sink.steps == [([], None, [])], "and the disk knows it before the first frame"
    assert desk.ledger.open_events == ()
    (event,) = desk.see(11.0, SOMEBODY)
    assert (event.event_id != opened.event_id, event.revision) == (True, 1), "who comes now is another alarm"


@pytest.mark.parametrize("unsent", [None, "its own"], ids=["the database is away", "the database cannot know it"])
def test_what_may_not_have_ended_elsewhere_goes_on(desk: Desk, unsent: str | None) -> None:
    first = Desk(FakeSink())
    (opened,) = first.see(1.0, SOMEBODY)
    ((_, _, saved),) = first.sink.steps

    desk.ledger.resume(saved, NOON, 10.0, [], unsent and frozenset({opened.event_id}))

    (event,) = desk.see(11.0, SOMEBODY)
    assert (event.event_id, event.revision) == (opened.event_id, 2)


def test_what_only_the_own_disk_knows_is_not_written_again(desk: Desk) -> None:
    first = Desk(FakeSink())
    first.see(1.0, SOMEBODY)
    ((_, _, saved),) = first.sink.steps

    desk.ledger.resume(saved, NOON, 10.0, saved)

    assert desk.sink.steps == []
    assert desk.ledger.open_events == (saved[0]["event_id"],)
