"""When a message may be sent, and when it is tried again."""

from datetime import UTC, datetime, timedelta

import pytest

from cluster.notifications.pacing import Pace, Patience

NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_no_more_than_so_many_begin_in_any_minute(clock: Clock) -> None:
    pace = Pace(3, clock)
    for _ in range(2):
        pace.began()
    clock.now_s += 30
    pace.began()

    assert pace.room() == 0
    clock.now_s += 29.9
    assert pace.room() == 0
    clock.now_s += 0.1
    assert pace.room() == 2
    clock.now_s += 30
    assert pace.room() == 3


def test_a_third_is_kept_for_critical_messages(clock: Clock) -> None:
    pace = Pace(6, clock)
    seen = []
    for _ in range(6):
        seen.append((pace.room(), pace.only_critical()))
        pace.began()

    assert seen == [(6, False), (5, False), (4, False), (3, False), (2, True), (1, True)]


def test_a_channel_of_one_a_minute_still_tells_what_is_less_than_critical(clock: Clock) -> None:
    assert not Pace(1, clock).only_critical()


def test_a_channel_that_asked_for_a_pause_gets_it(clock: Clock) -> None:
    pace = Pace(6, clock)
    pace.hold(30)
    pace.hold(5)

    assert pace.room() == 0
    clock.now_s += 30
    assert pace.room() == 6


def test_nobody_is_left_alone_for_longer_than_ten_minutes(clock: Clock) -> None:
    pace = Pace(6, clock)
    pace.hold(86_400)
    clock.now_s += 600

    assert pace.room() == 6


@pytest.mark.parametrize(
    ("attempt", "random", "asked_s", "pause_s"),
    [
        (1, 1.0, None, 1.0),
        (2, 1.0, None, 2.0),
        (2, 0.5, None, 1.0),
        (3, 1.0, None, 4.0),
        (9, 1.0, None, 20.0),
        (1000, 1.0, None, 20.0),
        (9, 0.0, None, 0.2),
        (1, 1.0, 7.5, 7.5),
        (9, 1.0, 7.5, 20.0),
        (1, 0.0, 86_400.0, 600.0),
    ],
)
def test_pauses_double_with_full_jitter_and_obey_the_channel(
    attempt: int, random: float, asked_s: float | None, pause_s: float
) -> None:
    patience = Patience(3600, lambda: random)

    assert patience.next_try(NOW, NOW, attempt, asked_s) == NOW + timedelta(seconds=pause_s)


@pytest.mark.parametrize(("attempt", "given_up"), [(1, False), (4, False), (5, True)])
def test_what_was_late_when_it_was_first_tried_has_five_attempts(attempt: int, given_up: bool) -> None:
    late = Patience(60, lambda: 1.0).next_try(NOW, NOW - timedelta(hours=9), attempt, None)

    assert (late is None) == given_up
    assert late is None or late > NOW


def test_the_last_attempt_is_at_the_end_and_then_it_is_given_up() -> None:
    patience, due_at = Patience(60, lambda: 1.0), NOW - timedelta(seconds=50)

    assert patience.next_try(NOW, due_at, 9, None) == NOW + timedelta(seconds=10)
    assert patience.next_try(NOW + timedelta(seconds=10), due_at, 10, None) is None
