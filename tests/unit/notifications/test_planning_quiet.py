"""What is told, and when, while somebody has muted a camera."""

from datetime import datetime, timedelta

import pytest
from counterparts.episode_life import BOTH, CRITICAL, WARNING, Life, closed, opened, planner, rule
from counterparts.events import NOON

from cluster.safety.events import Severity
from cluster.safety.messages import MessageState


def test_a_step_that_is_left_after_the_quiet_is_told_though_the_episode_has_ended() -> None:
    life = Life(planner(BOTH), mutes=[NOON + timedelta(seconds=100)])
    life.tell(opened())
    life.become_told("room")
    life.mutes = ()

    life.tell(closed(), after_s=130)

    assert life.waiting() == [("opened", "sms", 30), ("opened", "boss", 270), ("closed", "room", 0)]


def test_quiet_is_kept_and_what_is_open_at_its_end_is_told_then() -> None:
    life = Life(planner(BOTH), mutes=[NOON + timedelta(seconds=100)])

    life.tell(opened())

    assert {row.state for row in life.rows.values()} == {MessageState.MUTED}
    assert life.waiting() == [("opened", "room", 100), ("opened", "sms", 160), ("opened", "boss", 400)]


def test_what_ends_in_the_quiet_is_told_to_nobody() -> None:
    life = Life(planner(BOTH), mutes=[NOON + timedelta(seconds=100)])
    life.tell(opened())

    assert life.tell(closed(), after_s=10) == []

    assert life.waiting() == []
    assert {row.state for row in life.rows.values()} == {MessageState.MUTED}


def test_the_end_of_what_was_told_before_the_quiet_is_muted() -> None:
    life = Life(planner(rule()))
    life.tell(opened())
    life.deliver()
    life.mutes = (NOON + timedelta(seconds=100),)

    life.tell(closed(), after_s=10)

    assert [row.state for row in life.rows.values()] == [MessageState.ACCEPTED, MessageState.MUTED]
    assert life.waiting() == []


@pytest.mark.parametrize(
    ("severity", "mutes", "state"),
    [
        (CRITICAL, [None], MessageState.WAITING),
        (WARNING, [None], MessageState.MUTED),
        (CRITICAL, [None, NOON + timedelta(seconds=1)], MessageState.MUTED),
        (CRITICAL, [NOON], MessageState.WAITING),
        (CRITICAL, [], MessageState.WAITING),
    ],
)
def test_only_a_quiet_with_an_end_holds_for_critical(
    severity: Severity, mutes: list[datetime | None], state: MessageState
) -> None:
    life = Life(planner({**BOTH, "steps": [{"channels": ["room"]}]}), mutes)

    life.tell(opened(severity))

    assert [row.state for row in life.rows.values()] == [state]
