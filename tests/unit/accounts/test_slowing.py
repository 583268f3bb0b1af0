"""Guessing gets slow, and nobody is locked out for long because somebody else guesses."""

import pytest

from cluster.accounts.slowing import ADDRESS, USER, Slowing
from cluster.safety.errors import SignInSlowed

HOME = "10.0.0.9"


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def slowing(clock: Clock) -> Slowing:
    return Slowing(clock)


def wait_s(slowing: Slowing, name: str = "kim", address: str = HOME) -> float:
    """What the next attempt would have to wait; 0: it was let through, and counted."""
    try:
        slowing.attempt(name, address)
    except SignInSlowed as error:
        return error.retry_after_s
    return 0.0


def test_a_few_wrong_ones_cost_nothing_and_then_the_wait_doubles(slowing: Slowing, clock: Clock) -> None:
    assert [wait_s(slowing) for _ in range(5)] == [0.0] * 5

    waits = []
    for _ in range(4):
        waits.append(wait_s(slowing))
        clock.now_s += waits[-1]
        assert wait_s(slowing) == 0.0
    assert waits == [1.0, 2.0, 4.0, 8.0]


def test_a_user_is_never_locked_out_for_longer_than_half_a_minute(slowing: Slowing, clock: Clock) -> None:
    for number in range(200):
        clock.now_s += wait_s(slowing, address=f"10.1.{number}.1")

    assert wait_s(slowing, address="10.2.0.1") <= USER.longest_s == 30.0


def test_an_address_that_tries_many_names_is_slowed_and_others_are_not(slowing: Slowing) -> None:
    for number in range(ADDRESS.free + 1):
        assert wait_s(slowing, f"user-{number}") == 0.0

    assert wait_s(slowing, "kim") == 1.0
    assert wait_s(slowing, "kim", "10.0.0.10") == 0.0


def test_all_addresses_of_one_house_count_together(slowing: Slowing) -> None:
    for number in range(ADDRESS.free + 1):
        assert wait_s(slowing, f"user-{number}", f"2001:db8:1:2::{number:x}") == 0.0

    assert wait_s(slowing, "kim", "2001:db8:1:2:ffff::1") == 1.0
    assert wait_s(slowing, "kim", "2001:db8:1:3::1") == 0.0


def test_a_right_password_forgets_what_the_user_got_wrong(slowing: Slowing) -> None:
    for _ in range(5):
        slowing.attempt("kim", HOME)
    slowing.succeeded("kim", HOME)

    assert wait_s(slowing) == 0.0


def test_an_own_account_does_not_wash_an_address_clean(slowing: Slowing) -> None:
    for number in range(ADDRESS.free):
        slowing.attempt(f"user-{number}", HOME)
        slowing.attempt("mallory", "10.9.9.9")
        slowing.succeeded("mallory", "10.9.9.9")
    slowing.attempt("mallory", HOME)
    slowing.succeeded("mallory", HOME)
    slowing.attempt("last", HOME)

    assert wait_s(slowing, "kim") == 1.0


def test_what_nobody_could_judge_does_not_count(slowing: Slowing) -> None:
    for _ in range(20):
        slowing.attempt("kim", "10.0.0.1")
        slowing.withdrawn("kim", "10.0.0.1")

    slowing.attempt("kim", "10.0.0.1")


def test_many_at_once_count_as_many(slowing: Slowing) -> None:
    """None of them has an answer yet."""
    let_through = [wait_s(slowing) == 0.0 for _ in range(100)]

    assert sum(let_through) == USER.free + 1


def test_what_was_long_ago_is_forgotten(slowing: Slowing, clock: Clock) -> None:
    for _ in range(5):
        slowing.attempt("kim", HOME)
    clock.now_s += 901

    assert [wait_s(slowing) for _ in range(5)] == [0.0] * 5


def test_no_more_is_remembered_than_there_is_room_for(clock: Clock) -> None:
    slowing = Slowing(clock, most_keys=10)
    for number in range(1000):
        slowing.attempt(f"user-{number}", f"10.0.{number // 250}.{number % 250}")

    assert len(slowing._counted) == 10
