"""What holds for the rules whatever the camera sees, however often it is blind or its actor dies."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.safety.episodes import SavedEpisode
from cluster.safety.events import EpisodeState, SafetyEvent
from cluster.safety.tracks import Observation, Track
from cluster.safety.zone_rules import CameraRules
from cluster.safety.zones import Zone, ZoneKind

START = datetime(2026, 1, 1, tzinfo=UTC)
LABELS = ("person", "fallen_person", "vehicle", "helmet", "fire_extinguisher")


def strip(left: float, right: float) -> tuple[tuple[float, float], ...]:
    return ((left, 0.0), (right, 0.0), (right, 1.0), (left, 1.0))


ZONES = (
    Zone("danger", strip(0.2, 0.5), dwell_s=3.0, entrances=True, require=("helmet",)),
    Zone("warning", strip(0.4, 0.8), ZoneKind.WARNING, escalate_after_s=2.0, must_contain=("fire_extinguisher",)),
    Zone("eager", strip(0.6, 1.0), enter_debounce_s=0.0, exit_debounce_s=0.0, gap_grace_s=0.0, cooldown_s=0.0),
)
CHANGED = (Zone("danger", strip(0.3, 0.6), ZoneKind.WARNING), ZONES[2])

tracks = st.builds(
    lambda number, label, x, y: Track(number, label, 0.9, (x - 0.05, y - 0.3, x + 0.05, y)),
    st.integers(1, 6),
    st.sampled_from(LABELS),
    st.sampled_from([0.1, 0.21, 0.3, 0.45, 0.5, 0.55, 0.7, 0.9]),
    st.sampled_from([0.5, 0.8]),
)
crowds = st.lists(tracks, max_size=4, unique_by=lambda track: track.track_id).map(tuple)
pauses = st.sampled_from([0.1, 0.2, 0.2, 0.2, 0.5, 1.0, 2.0, 2.5, 7.0, 60.0])
looks = st.tuples(st.just("look"), st.integers(1, 12), pauses, crowds)
steps = st.one_of(
    looks,
    looks,
    looks,
    st.tuples(st.just("blind"), pauses),
    st.tuples(st.just("die"), pauses),
    st.tuples(st.just("apply"), st.sampled_from([ZONES, CHANGED, ()])),
)


class Site:
    """Plays steps, and knows what everybody else knows: the revisions that were told."""

    def __init__(self, zones: Iterable[Zone] = ZONES) -> None:
        self.zones = tuple(zones)
        self.epoch, self.sequence, self.now_s = 1, 0, 100.0
        self.rules = CameraRules("cam", 1, self.zones)
        self.told: list[SafetyEvent] = []
        self.last: dict[str, SafetyEvent] = {}

    @property
    def wall(self) -> datetime:
        return START + timedelta(seconds=self.now_s)

    def play(self, step: tuple) -> None:
        getattr(self, step[0])(*step[1:])

    def look(self, times: int, pause_s: float, crowd: tuple[Track, ...]) -> None:
        for _ in range(times):
            self.now_s += pause_s
            self.sequence += 1
            seen = Observation("cam", self.epoch, self.sequence, self.wall, self.now_s, crowd)
            self.hear(self.rules.observe(seen))

    def blind(self, pause_s: float) -> None:
        self.rules.blind(self.wall, self.now_s)
        self.now_s += pause_s

    def die(self, pause_s: float) -> None:
        saved = [SavedEpisode.from_dict(one.to_dict()) for one in self.rules.open_episodes()]
        self.epoch, self.sequence = self.epoch + 1, 0
        self.now_s += pause_s
        self.rules = CameraRules("cam", self.epoch, self.zones)
        self.rules.resume(saved, self.wall, self.now_s)

    def apply(self, zones: tuple[Zone, ...]) -> None:
        self.zones = zones
        self.hear(self.rules.apply(zones, True, self.wall, self.now_s))

    def hear(self, events: list[SafetyEvent]) -> None:
        self.told += events
        for event in events:
            self.last[event.event_id] = event

    def open(self) -> list[SafetyEvent]:
        return [event for event in self.last.values() if event.state is not EpisodeState.CLOSED]


@settings(max_examples=120, deadline=None)
@given(st.lists(steps, max_size=25))
def test_revisions_have_no_holes_and_every_id_belongs_to_one_episode(script):
    site = Site()
    for step in script:
        site.play(step)

    by_id = defaultdict(list)
    for event in site.told:
        by_id[event.event_id].append(event)
    for revisions in by_id.values():
        assert [event.revision for event in revisions] == list(range(1, len(revisions) + 1))
        assert len({(event.zone_id, event.event_type, event.subject, event.opened_at) for event in revisions}) == 1
        if len(revisions) > 1:
            assert revisions[0].state is EpisodeState.OPEN


@settings(max_examples=120, deadline=None)
@given(st.lists(steps, max_size=25))
def test_a_closed_event_goes_on_only_by_reopening_and_an_open_one_never_opens_again(script):
    site = Site()
    before: dict[str, SafetyEvent] = {}
    for step in script:
        site.play(step)
    for event in site.told:
        was = before.get(event.event_id)
        if was is not None and was.state is EpisodeState.CLOSED:
            assert event.state is not EpisodeState.CLOSED
            assert event.detail["reopened"] >= 1
        elif was is not None and event.state is EpisodeState.OPEN:
            assert event.detail["resumed"] is True
        before[event.event_id] = event
        assert (event.closed_at is not None) is (event.state is EpisodeState.CLOSED)
        assert event.closed_at is None or event.opened_at <= event.closed_at <= event.updated_at


@settings(max_examples=120, deadline=None)
@given(st.lists(steps, max_size=25))
def test_one_open_episode_at_most_for_zone_rule_and_subject(script):
    site = Site()
    for step in script:
        site.play(step)
        keys = [(event.zone_id, event.event_type, event.subject) for event in site.open()]
        assert len(keys) == len(set(keys))


@settings(max_examples=120, deadline=None)
@given(st.lists(steps, max_size=25))
def test_what_is_told_as_open_is_what_would_be_saved(script):
    site = Site()
    for step in script:
        site.play(step)
    site.look(1, 0.2, ())  # lets what a resume has found to be over be told

    saved = {one.event_id: one.revision for one in site.rules.open_episodes() if one.state is not EpisodeState.CLOSED}
    assert saved == {event.event_id: event.revision for event in site.open()}
    assert site.rules.occupied_zones() == {event.zone_id for event in site.open() if event.zone_id}


@settings(max_examples=120, deadline=None)
@given(st.lists(steps, max_size=20), st.sampled_from([0.1, 0.2, 0.5, 1.0, 3.0, 20.0]), crowds)
def test_whoever_stands_in_a_danger_zone_has_an_open_event(script, pause_s, others):
    """The one that matters: whatever came before, standing there for long enough is told."""
    site = Site()
    for step in script:
        site.play(step)
    site.apply(ZONES)
    somebody = Track(99, "person", 0.9, (0.3, 0.4, 0.4, 0.8))
    site.look(max(6, round(4 / pause_s)), pause_s, (*others, somebody))

    inside = [
        track for track in (*others, somebody) if track.label in LABELS[:2] and 0.2 <= sum(track.box[::2]) / 2 <= 0.5
    ]
    told = [event for event in site.open() if event.event_type == "DANGER_ZONE_INTRUSION"]
    assert len(told) >= len(inside)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["look", "die", "blind", "gap"]), st.floats(0.05, 3.0)), max_size=40),
    st.booleans(),
)
def test_a_presence_that_goes_on_is_one_event_whatever_is_interrupted(script, renumber):
    site = Site([ZONES[0]])
    number = 1
    site.look(10, 0.2, (Track(number, "person", 0.9, (0.3, 0.4, 0.4, 0.8)),))
    for kind, pause_s in script:
        number += renumber
        crowd = (Track(number, "person", 0.9, (0.3, 0.4, 0.4, 0.8)),)
        if kind in ("die", "blind"):
            site.play((kind, pause_s * 20))
        site.look(1, pause_s * (20 if kind == "gap" else 0.6), crowd)

    ids = {event.event_id for event in site.told if event.event_type == "DANGER_ZONE_INTRUSION"}
    assert len(ids) == 1
    assert [event.event_type for event in site.told].count("PERSON_ENTRANCE") == 1
    assert "PERSON_EXIT" not in {event.event_type for event in site.told}


@settings(max_examples=80, deadline=None)
@given(st.lists(steps, max_size=20))
def test_the_same_looks_tell_the_same(script):
    first, second = Site(), Site()
    for step in script:
        first.play(step)
        second.play(step)

    assert first.told == second.told


@settings(max_examples=80, deadline=None)
@given(st.lists(steps, max_size=25))
def test_an_empty_picture_closes_everything_but_what_is_missing(script):
    site = Site()
    for step in script:
        site.play(step)
    site.look(120, 0.2, ())

    assert {event.event_type for event in site.open()} <= {"FIRE_EXTINGUISHER_MISSING"}


@pytest.mark.parametrize("zones", [1, 20])
def test_a_crowd_keeps_its_events_apart(zones):
    site = Site([Zone(f"z{number}", strip(0.0, 1.0)) for number in range(zones)])
    crowd = tuple(Track(number, "person", 0.9, (0.02 * number, 0.5, 0.02 * number + 0.02, 0.6)) for number in range(49))
    site.look(10, 0.2, crowd)

    assert len(site.open()) == 49 * zones
