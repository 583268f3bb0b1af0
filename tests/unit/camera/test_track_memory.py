"""The tracks of the last minutes: bounded, in order, and as they were."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.camera.track_memory import TrackMemory
from cluster.safety.dry_run import dry_run
from cluster.safety.tracks import Observation, Track
from cluster.safety.zones import Zone

NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
_SHARE = st.floats(0, 1)
_TRACKS = st.lists(
    st.builds(
        Track,
        st.integers(1, 2**32 - 1),
        st.sampled_from(["person", "helmet", "vehicle"]),
        _SHARE,
        st.tuples(_SHARE, _SHARE, _SHARE, _SHARE),
    ),
    max_size=5,
).map(tuple)


def look(
    number: int,
    *tracks: Track,
    at_s: float | None = None,
    digest: str = "ab",
    knows: frozenset[str] | None = None,
) -> Observation:
    seconds = 0.2 * number if at_s is None else at_s
    at = NOON + timedelta(seconds=seconds)
    return Observation("gate-1", 3, number, at, 1000.0 + seconds, tracks, digest, knows)


@given(st.lists(st.tuples(_TRACKS, st.sampled_from([None, frozenset({"person"}), frozenset({"helmet"})]))))
def test_what_was_seen_comes_back_in_order_within_a_65535th(
    seen: list[tuple[tuple[Track, ...], frozenset[str] | None]],
) -> None:
    memory = TrackMemory("gate-1", 3)
    looks = [look(number, *tracks, knows=knows) for number, (tracks, knows) in enumerate(seen)]
    for one in looks:
        memory.add(one)

    back = list(memory.observations())

    assert [(one.correlation_id, one.captured_s, one.knows) for one in back] == [
        (one.correlation_id, one.captured_s, one.knows) for one in looks
    ]
    for was, is_now in zip(looks, back, strict=True):
        assert abs(is_now.captured_at - was.captured_at) < timedelta(milliseconds=1)
        assert [(t.track_id, t.label) for t in is_now.tracks] == [(t.track_id, t.label) for t in was.tracks]
        for a, b in zip(was.tracks, is_now.tracks, strict=True):
            assert b.box == pytest.approx(a.box, abs=1 / 65535)
            assert b.confidence == pytest.approx(a.confidence, abs=1 / 65535)


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 5)), max_size=200), st.integers(200, 2000))
def test_it_never_holds_more_than_its_bytes_or_its_time_and_always_the_newest(
    steps: list[tuple[float, int]], most_bytes: int
) -> None:
    memory, now_s = TrackMemory("gate-1", 3, keep_s=60, most_bytes=most_bytes), 0.0
    person = Track(1, "person", 0.9, (0.1, 0.1, 0.2, 0.5))
    for number, (pause_s, people) in enumerate(steps):
        now_s += pause_s
        memory.add(look(number, *[person] * people, at_s=now_s))

        kept = list(memory.observations())
        assert memory.used_bytes <= most_bytes
        assert kept[-1].sequence == number
        assert kept[-1].captured_s - kept[0].captured_s <= 60


def test_ten_minutes_of_ten_people_at_five_looks_a_second_fit() -> None:
    memory = TrackMemory("gate-1", 3)
    people = [Track(number, "person", 0.9, (0.1, 0.1, 0.2, 0.5)) for number in range(10)]
    for number in range(3100):
        memory.add(look(number, *people))

    kept = list(memory.observations())

    assert kept[-1].captured_s - kept[0].captured_s == pytest.approx(600, abs=0.3)


def test_other_models_and_their_names_do_not_grow_it_for_ever() -> None:
    memory = TrackMemory("gate-1", 3)
    for number in range(5000):
        memory.add(look(number, Track(1, f"thing {number}", 0.9, (0.1, 0.1, 0.2, 0.5)), digest=f"{number}"))

    kept = list(memory.observations())

    assert [one.model_digest for one in kept] == [f"{one.sequence}" for one in kept]
    assert [one.tracks[0].label for one in kept] == [f"thing {one.sequence}" for one in kept]
    assert kept[-1].sequence == 4999
    assert len(kept) <= 1000


def test_a_zone_says_the_same_over_what_is_remembered_as_over_what_was_seen() -> None:
    zone = Zone("press", ((0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (0.0, 1.0)), dwell_s=10.0)
    memory, seen = TrackMemory("gate-1", 3), []
    for number in range(400):
        x = 0.2 if 50 <= number < 200 else 0.8
        seen.append(look(number, Track(1, "person", 0.9, (x - 0.05, 0.4, x + 0.05, 0.8))))
        memory.add(seen[-1])

    told = dry_run(zone, memory.observations())

    assert told.counts == {"DANGER_ZONE_INTRUSION": 1, "ZONE_DWELL": 1}
    assert told.counts == dry_run(zone, seen).counts
    assert [one.event_type for one in told.events] == ["DANGER_ZONE_INTRUSION", "ZONE_DWELL"]
    assert all(one.closed_at is not None for one in told.events)
    assert told.watched_s == pytest.approx(399 * 0.2, abs=0.1)
