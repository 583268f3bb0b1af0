"""Who is who, although the tracker changes its numbers."""

import pytest

from cluster.safety.subjects import Subjects
from cluster.safety.tracks import Track


def track(number: int, x: float, height: float = 0.4, label: str = "person") -> Track:
    return Track(number, label, 0.9, (x - height / 8, 0.8 - height, x + height / 8, 0.8))


# (what appears, observed seconds after the loss, whether it is taken for the person who vanished at x 0.5)
CASES = [
    (track(9, 0.5), 0.2, True),
    (track(9, 0.55), 0.2, True),
    (track(9, 0.75), 0.2, False),
    (track(9, 0.68), 1.8, True),
    (track(9, 0.9), 1.8, False),
    (track(9, 0.5, 0.15), 0.2, False),
    (track(9, 0.5, label="vehicle"), 0.2, False),
    (track(9, 0.5, label="fallen_person"), 0.2, True),
    (track(9, 0.5), 5.0, True),
    (track(9, 0.58), 5.0, False),
    (track(9, 0.5), 9.0, False),
    (track(7, 0.9), 5.0, True),
]


@pytest.mark.parametrize(("newcomer", "after_s", "same"), CASES)
def test_a_new_track_is_somebody_who_vanished_nearby(newcomer, after_s, same):
    subjects = Subjects(grace_s=2.0, memory_s=7.0)
    (before,) = subjects.observe([track(7, 0.5)], 0.2)
    for _ in range(4):
        subjects.observe([], after_s / 5)
    (after,) = subjects.observe([newcomer], after_s / 5)

    assert (after is before) is same


def test_a_visible_track_never_becomes_somebody_else():
    subjects = Subjects(grace_s=2.0, memory_s=7.0)
    (first,) = subjects.observe([track(7, 0.5)], 0.2)
    (taken,) = subjects.observe([track(9, 0.5)], 0.2)
    kept, returned = subjects.observe([track(9, 0.5), track(7, 0.5)], 0.2)

    assert first is taken is kept
    assert returned is not kept


def test_a_single_slow_look_makes_nobody_forgotten():
    subjects = Subjects(grace_s=2.0, memory_s=7.0)
    (before,) = subjects.observe([track(7, 0.5)], 0.2)
    subjects.observe([], 20.0)

    assert subjects.observe([track(7, 0.2)], 20.0) == [before]
