"""What a new owner on another node makes of what the one before left open."""

from datetime import timedelta

from counterparts.events import NOON, safety_event
from hypothesis import given
from hypothesis import strategies as st

from cluster.safety.camera_rules import CameraHealthRules
from cluster.safety.episodes import NOT_WATCHED
from cluster.safety.events import EpisodeState, SafetyEvent, SeenObject
from cluster.safety.left_open import LATE_WORDS, doubles, from_event, taken_up
from cluster.safety.status import CameraStatus
from cluster.safety.tracks import Observation, Track
from cluster.safety.zone_rules import CameraRules
from cluster.safety.zones import Zone

ZONE = Zone("press", ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)), enter_debounce_s=0.0)
BOX = (0.4, 0.2, 0.6, 0.8)


class Owner:
    """The rules of camera `a` under one lease; `told` is what they said."""

    def __init__(self, epoch: int) -> None:
        self.epoch, self.rules, self.second = epoch, CameraRules("a", epoch, (ZONE,)), float(epoch)
        self.health = CameraHealthRules("a", epoch, True)
        self.told: list[SafetyEvent] = []

    def look(self, *track_ids: int) -> None:
        self.second += 0.2
        at = NOON + timedelta(seconds=self.second)
        tracks = tuple(Track(number, "person", 0.9, BOX) for number in track_ids)
        self.told += self.rules.observe(Observation("a", self.epoch, int(self.second * 10), at, self.second, tracks))

    def take_over(self, saved: list) -> None:
        self.rules.resume(saved, NOON + timedelta(seconds=self.second), self.second)


class Rows:
    """The table of events, with the condition of its upsert."""

    def __init__(self) -> None:
        self.of: dict[str, SafetyEvent] = {}

    def record(self, *events: SafetyEvent) -> None:
        for event in events:
            row = self.of.get(event.event_id)
            if row is None or (row.epoch, row.revision) < (event.epoch, event.revision):
                self.of[event.event_id] = event

    def open(self) -> list:
        return [from_event(row) for row in self.of.values() if row.state is not EpisodeState.CLOSED]


def opened(number: int = 1, **changed: object) -> SafetyEvent:
    both = (SeenObject("person", 0.9, (0.0, 0.0, 0.1, 0.1), 3), SeenObject("person", 0.9, BOX, 7))
    return safety_event(number, **{"camera_id": "a", "objects": both, **changed})


def test_a_row_knows_where_its_subject_was() -> None:
    assert from_event(opened()).box == BOX
    assert from_event(opened(subject="helmet@person:7")).box == BOX
    assert from_event(opened(subject="fire_extinguisher")).box is None
    assert from_event(opened(detail={"inside_s": 4.5})).inside_s == 4.5
    assert from_event(opened(subject="person:2", detail={"track_id": 7})).box == BOX, "another number since"
    assert from_event(opened(subject="person:7", detail={"track_id": 3})).box != BOX, "the old number is another's"
    assert from_event(opened(subject="person:7#2")).box == BOX
    lying = (SeenObject("fallen_person", 0.9, BOX, 7),)
    assert from_event(opened(event_type="PERSON_FALLEN", objects=lying)).box == BOX


def test_the_own_disk_is_right_unless_somebody_went_on_since() -> None:
    own = from_event(opened(1, revision=3))
    same, later = from_event(opened(1, revision=2)), from_event(opened(1, revision=1002))
    other = from_event(opened(2))

    assert taken_up([own], [same]) == [own]
    assert [(one.event_id, one.revision) for one in taken_up([own], [later, other])] == [
        ("event-1", 1002 + LATE_WORDS),
        ("event-2", 1 + LATE_WORDS),
    ]


def test_somebody_who_stays_through_a_move_is_told_once() -> None:
    rows, old, new = Rows(), Owner(1), Owner(50)
    old.look(7)
    rows.record(*old.told)

    new.take_over(taken_up([], rows.open()))
    new.look(1)
    rows.record(*new.told)

    (row,) = rows.of.values()
    assert (row.state, row.revision, row.epoch, row.detail["resumed"]) == (EpisodeState.OPEN, 2 + LATE_WORDS, 50, True)


def test_of_two_that_say_the_same_the_later_one_goes_on_and_the_other_ends() -> None:
    first, second = from_event(opened(1)), from_event(opened(2))
    assert doubles([second, first]) == [first]
    owner = Owner(50)

    owner.take_over([first, second])
    owner.look(1)

    assert [(event.event_id, event.state.value, event.detail.get("reason")) for event in owner.told] == [
        ("event-1", "closed", NOT_WATCHED),
        ("event-2", "open", None),
    ]


def test_of_two_outages_of_the_picture_the_earlier_one_ends_at_once() -> None:
    blind = {"event_type": "CAMERA_UNMONITORED", "zone_id": "", "subject": "picture"}
    rules = CameraHealthRules("a", 50, True)
    rules.resume([from_event(opened(1, **blind)), from_event(opened(2, **blind))], NOON, 1.0)

    told = rules.observe(CameraStatus.CONNECTING, "", NOON, 2.0, "a-50-0")
    assert [(event.event_id, event.state.value) for event in told] == [("event-1", "closed")]

    told = rules.observe(CameraStatus.MONITORED, "", NOON, 3.0, "a-50-0")
    assert [(event.event_id, event.state.value) for event in told] == [("event-2", "closed")]


@given(
    seen_by_old=st.lists(st.sampled_from([(), (7,), (7, 8)]), min_size=1, max_size=40),
    recorded=st.integers(0, 20),
    seen_by_new=st.lists(st.sampled_from([(), (1,), (1, 2)]), max_size=40),
    late_after=st.integers(0, 20),
)
def test_late_words_of_the_owner_before_never_overrule_the_present_one(
    seen_by_old: list[tuple[int, ...]], recorded: int, seen_by_new: list[tuple[int, ...]], late_after: int
) -> None:
    """The old owner dies with some of its words on its disk only; they come at any moment of the new one's time."""
    rows, old, new = Rows(), Owner(1), Owner(50)
    for seen in seen_by_old:
        old.look(*seen)
    rows.record(*old.told[:recorded])
    new.take_over(taken_up([], rows.open()))
    taken = {one.event_id for one in new.rules.open_episodes()}

    for seen in seen_by_new:
        new.look(*seen)
    rows.record(*new.told[:late_after], *old.told[recorded:], *new.told[late_after:])

    last = {event.event_id: event for event in new.told}
    assert {event_id: rows.of[event_id] for event_id in last} == last
    spoken = taken & set(last)
    assert all(rows.of[event_id].revision > LATE_WORDS for event_id in spoken)
    still_open = {one.event_id for one in new.rules.open_episodes()}
    ends = {event_id for event_id in last if last[event_id].state is EpisodeState.CLOSED}
    assert not still_open & ends
