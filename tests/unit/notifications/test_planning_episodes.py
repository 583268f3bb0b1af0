"""What is told of an episode that ends, becomes worse, opens again or flaps."""

from dataclasses import replace

import pytest
from counterparts.episode_life import (
    BOTH,
    CRITICAL,
    WARNING,
    Life,
    closed,
    escalated,
    opened,
    planner,
    reopened,
    rule,
)

from cluster.safety.events import Severity
from cluster.safety.messages import MessageState


def test_the_end_is_told_to_who_was_told_of_the_beginning_and_wants_it() -> None:
    life = Life(planner({**BOTH, "steps": [{"channels": ["room", "sms"]}, {"after_s": 60, "channels": ["boss"]}]}))
    life.tell(opened())
    life.deliver()

    assert life.tell(closed(), after_s=5) == [("closed", "room", 0)]
    assert life.tell(closed(3)) == []


def test_the_end_is_told_after_a_beginning_that_still_waits() -> None:
    life = Life(planner(rule()))
    life.tell(opened())

    assert life.tell(closed()) == [("closed", "room", 0)]


@pytest.mark.parametrize("lost", [MessageState.FAILED, MessageState.CANCELLED])
def test_the_end_is_not_told_to_who_was_never_told_of_the_beginning(lost: MessageState) -> None:
    life = Life(planner(rule()))
    life.tell(opened())
    life.become(next(iter(life.rows)), lost)

    assert life.tell(closed()) == []


def test_nobody_reacted_to_a_critical_event_that_has_ended_and_the_next_ones_are_told_all_the_same() -> None:
    life = Life(planner(BOTH))
    life.tell(opened())
    life.deliver()

    life.tell(closed(), after_s=10)
    life.deliver()

    assert life.waiting() == [("opened", "sms", 50), ("opened", "boss", 290)]


def test_a_warning_that_has_ended_needs_no_next_person() -> None:
    life = Life(planner(BOTH))
    life.tell(opened(WARNING))
    life.deliver()

    life.tell(closed(severity=WARNING), after_s=10)

    assert life.waiting() == [("closed", "room", 0)]


@pytest.mark.parametrize(("severity", "told"), [(CRITICAL, ["room", "sms", "boss"]), (WARNING, ["room"])])
def test_an_episode_that_is_over_when_it_is_first_heard_of_is_told(severity: Severity, told: list[str]) -> None:
    new = Life(planner(BOTH)).tell(closed(1, severity))

    assert [(kind, channel) for kind, channel, _ in new] == [("opened", channel) for channel in told]


def test_what_becomes_worse_is_told_again_and_takes_the_place_of_what_waits() -> None:
    critical = rule("critical", steps=[{"channels": ["room"]}, {"after_s": 120, "channels": ["sms"]}])
    life = Life(planner({**BOTH, "severities": ["WARNING"]}, critical))
    life.tell(opened(WARNING))
    life.deliver()

    assert life.tell(escalated(), after_s=20) == [("escalated", "room", 0), ("escalated", "sms", 40)]
    assert life.waiting() == [("opened", "boss", 280), ("escalated", "room", 0), ("escalated", "sms", 40)]


def test_an_episode_that_opens_again_is_told_again_and_its_end_too() -> None:
    life = Life(planner(rule()))
    for event in (opened(), closed(2)):
        life.tell(event)
        life.deliver()

    assert life.tell(reopened(3)) == [("opened", "room", 0)]
    life.deliver()
    assert life.tell(closed(4)) == [("closed", "room", 0)]
    assert [row.occurrence for row in life.rows.values()] == [1, 1, 2, 2]


def test_an_escalated_episode_that_opens_again_has_not_become_worse() -> None:
    life = Life(planner(rule()))
    for event in (opened(WARNING), escalated(2), closed(3)):
        life.tell(event)

    again = replace(escalated(4), detail={"reopened": 1})

    assert [kind for kind, _, _ in life.tell(again)] == ["opened"]


def test_an_episode_that_flaps_escalates_at_the_time_of_its_first_opening() -> None:
    life = Life(planner(BOTH))
    life.tell(opened())
    for revision in range(2, 10, 2):
        life.deliver()
        life.tell(closed(revision), after_s=5)
        life.deliver()
        life.tell(reopened(revision + 1), after_s=5)

    assert life.waiting() == [("opened", "room", 0), ("opened", "sms", 20), ("opened", "boss", 260)]
    assert len({row.message_id for row in life.rows.values()}) == len(life.rows)


def test_an_end_that_still_waits_is_not_told_once_the_episode_is_open_again() -> None:
    life = Life(planner(BOTH))
    life.tell(opened())
    life.deliver()
    assert life.tell(closed(2)) == [("closed", "room", 0)]

    life.tell(reopened(3), after_s=5)
    assert [kind for kind, _, _ in life.waiting()] == ["opened", "opened", "opened"]

    life.deliver()
    assert life.tell(closed(4), after_s=5) == [("closed", "room", 0)], "the next end is told"


def test_an_end_is_dropped_also_for_who_is_not_told_of_what_became_worse() -> None:
    only_critical = rule(steps=[{"channels": ["boss"]}])
    life = Life(planner({**BOTH, "severities": ["WARNING"]}, only_critical))
    life.tell(opened(WARNING))
    life.deliver()
    life.tell(closed(2, WARNING))

    life.tell(escalated(3), after_s=5)
    assert life.waiting() == [("escalated", "boss", 0)]

    life.deliver()
    assert life.tell(closed(4), after_s=5) == [("closed", "boss", 0), ("closed", "room", 0)]


def test_an_episode_that_flaps_is_given_up_at_the_time_of_its_first_opening_where_a_channel_is_dead() -> None:
    life = Life(planner(rule()))
    life.tell(opened())
    for revision in range(2, 10, 2):
        life.fail("room")
        life.tell(closed(revision), after_s=5)
        life.tell(reopened(revision + 1), after_s=5)

    assert [one for one in life.waiting() if one[0] == "opened"] == [("opened", "room", -40)]
    [room] = [row for row in life.rows.values() if row.next_try_at is not None]
    assert (room.next_try_at, room.attempts) == (life.now, 4)
