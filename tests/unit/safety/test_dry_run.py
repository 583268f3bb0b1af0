"""What a zone would have told."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cluster.safety.dry_run import MOST_EVENTS, dry_run
from cluster.safety.events import Severity
from cluster.safety.tracks import Observation, Track
from cluster.safety.zones import Zone, ZoneKind

NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


def looks(count: int, inside: Callable[[int], bool], every_s: float = 0.2) -> list[Observation]:
    """One person, in the left half or not."""
    seen = []
    for number in range(count):
        x, at_s = 0.2 if inside(number) else 0.8, number * every_s
        person = Track(1, "person", 0.9, (x - 0.05, 0.4, x + 0.05, 0.8))
        seen.append(Observation("gate-1", 3, number, NOON + timedelta(seconds=at_s), 50.0 + at_s, (person,)))
    return seen


def test_nothing_seen_is_nothing_told() -> None:
    told = dry_run(Zone("press", LEFT), [])

    assert (told.events, dict(told.counts), told.watched_s) == ((), {}, 0.0)


def test_an_event_has_its_times_and_its_highest_severity() -> None:
    zone = Zone("press", LEFT, ZoneKind.WARNING, escalate_after_s=5.0)

    told = dry_run(zone, looks(300, lambda number: 50 <= number < 150))

    (event,) = told.events
    assert (event.event_type, event.severity) == ("WARNING_ZONE_INTRUSION", Severity.CRITICAL)
    assert timedelta(seconds=10) <= event.opened_at - NOON <= timedelta(seconds=11)
    assert event.closed_at is not None
    assert timedelta(seconds=29) <= event.closed_at - NOON <= timedelta(seconds=32)


def test_who_is_still_inside_leaves_it_open() -> None:
    (event,) = dry_run(Zone("press", LEFT), looks(50, lambda number: True)).events

    assert event.closed_at is None


def test_time_in_which_nobody_looked_was_not_watched() -> None:
    told = dry_run(Zone("press", LEFT), [*looks(2, lambda number: True), *looks(2, lambda n: True, 300.0)[1:]])

    assert told.watched_s == 0.2


def test_what_the_model_could_not_find_is_not_told() -> None:
    zone = Zone("wall", LEFT, objects=(), must_contain=("fire_extinguisher",), missing_after_s=1.0)
    seen = looks(100, lambda number: False)
    blind = [replace(one, knows=frozenset({"person"})) for one in seen]

    assert dict(dry_run(zone, seen).counts) == {"FIRE_EXTINGUISHER_MISSING": 1}
    assert dict(dry_run(zone, blind).counts) == {}


def test_of_very_many_events_all_are_counted_and_the_newest_described() -> None:
    zone = Zone("gate", LEFT, objects=(), entrances=True, cooldown_s=0.0, enter_debounce_s=0.0, exit_debounce_s=0.0)

    told = dry_run(zone, looks(3000, lambda number: number % 10 < 5))

    assert sum(told.counts.values()) > MOST_EVENTS
    assert len(told.events) == MOST_EVENTS
    assert told.events[-1].opened_at == max(one.opened_at for one in told.events)
