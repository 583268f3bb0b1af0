"""Pauses between two attempts to reach a camera."""

import random

import pytest

from cluster.camera.backoff import Backoff
from cluster.safety.errors import CameraEnded, CameraError, CameraStalled, CameraUnauthorized, CameraUnreachable
from cluster.settings.cameras import CameraSettings


class Longest(random.Random):
    """No jitter: always the upper bound."""

    def uniform(self, a: float, b: float) -> float:
        return b


class Shortest(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return a


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - jitter is no secret


def backoff(rng: random.Random, **settings: float) -> Backoff:
    return Backoff(CameraSettings(camera_id="gate-1", source="rtsp://cam/1", **settings), rng)


def pauses(subject: Backoff, *errors: CameraError) -> list[float]:
    return [subject.pause_s(error) for error in errors]


@pytest.mark.parametrize(
    ("rng", "max_s", "expected"),
    [
        (Longest(), 5, [0.5, 1, 2, 4, 5, 5, 5]),
        (Shortest(), 5, [0.25, 0.5, 1, 2, 2.5, 2.5, 2.5]),
        (Longest(), 1, [0.5, 1, 1, 1]),
        (Longest(), 60, [0.5, 1, 2, 4, 8, 16, 32, 60, 60]),
    ],
)
def test_pauses_double_up_to_the_cap(rng, max_s, expected):
    subject = backoff(rng, max_backoff_s=max_s)

    assert pauses(subject, *[CameraUnreachable("away")] * len(expected)) == expected


def test_the_first_retry_comes_within_a_second_whatever_the_jitter():
    assert all(backoff(seeded(seed)).pause_s(CameraEnded("x")) <= 1 for seed in range(100))


def test_jitter_spreads_the_cameras_of_a_site():
    assert len({backoff(seeded(seed)).pause_s(CameraEnded("x")) for seed in range(100)}) > 90


def test_a_refused_password_waits_long_from_the_first_time():
    subject = backoff(Shortest(), unauthorized_backoff_s=60)

    assert pauses(subject, *[CameraUnauthorized("no")] * 3) == [60, 60, 60]


def test_a_refused_password_leaves_the_other_pauses_as_they_were():
    subject = backoff(Longest())
    stalled, refused = CameraStalled("x"), CameraUnauthorized("x")

    assert pauses(subject, stalled, refused, stalled, refused, stalled) == [0.5, 66, 1, 66, 2]


def test_a_reset_begins_anew():
    subject = backoff(Longest())
    pauses(subject, *[CameraStalled("x")] * 5)

    subject.reset()

    assert subject.pause_s(CameraStalled("x")) == 0.5


def test_a_camera_that_is_away_for_months_overflows_nothing():
    subject = backoff(Longest())

    assert pauses(subject, *[CameraStalled("x")] * 5000)[-1] == 5
