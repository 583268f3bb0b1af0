"""Which messages an event asks for, without a database: rules, steps, priorities, and revisions in any order."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from counterparts.episode_life import BOTH, CHANNELS, CRITICAL, WARNING, Life, closed, opened, planner, rule
from counterparts.events import NOON, safety_event
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from cluster.safety.events import EpisodeState, SafetyEvent, Severity
from cluster.safety.messages import MessageKind, MessageState
from cluster.settings.notifications import NotificationSettings

SLOWLY = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_all_steps_are_planned_at_once_with_what_a_message_needs() -> None:
    life = Life(planner(BOTH))

    assert life.tell(opened(), after_s=7) == [("opened", "room", 0), ("opened", "sms", 60), ("opened", "boss", 300)]

    room = next(iter(life.rows.values()))
    assert (room.event_id, room.rule, room.step, room.occurrence) == ("event-1", "all", 0, 1)
    assert (room.severity, room.correlation_id) == (CRITICAL, "gate-1-1-1")
    assert (room.created_at, room.captured_at) == (NOON + timedelta(seconds=7), opened().updated_at)
    assert (room.state, room.next_try_at, room.attempts) == (MessageState.WAITING, room.due_at, 0)


@pytest.mark.parametrize(
    ("changed", "fits"),
    [
        ({}, True),
        ({"severities": ["WARNING"]}, False),
        ({"severities": ["WARNING", "CRITICAL"]}, True),
        ({"severities": []}, True),
        ({"event_types": ["PERSON_FALLEN"]}, False),
        ({"event_types": ["PERSON_FALLEN", "DANGER_ZONE_INTRUSION"]}, True),
        ({"cameras": ["gate-2"]}, False),
        ({"cameras": ["gate-1"]}, True),
        ({"zones": ["door"]}, False),
        ({"zones": ["press"], "cameras": ["gate-1"]}, True),
        ({"zones": ["press"], "cameras": ["gate-2"]}, False),
        ({"hours": {"since": "21:00", "until": "06:00"}}, True),  # noon in UTC is 21:00 in Seoul
        ({"hours": {"since": "22:00", "until": "06:00"}}, False),
        ({"hours": {"days": ["sat"]}}, False),  # 2026-03-01 is a Sunday
        ({"hours": {"days": ["sun"]}}, True),
    ],
)
def test_a_rule_holds_for_what_fits_it(changed: dict[str, Any], fits: bool) -> None:
    assert bool(Life(planner(rule(**changed))).tell(opened())) is fits


def test_what_no_rule_is_about_costs_nothing() -> None:
    rules = planner(rule(), rule(severities=["WARNING"], cameras=["gate-2"]))

    assert rules.concerns(opened())
    assert not rules.concerns(opened(Severity.INFO))
    assert not rules.concerns(opened(WARNING))
    assert planner(rule(severities=["WARNING"])).concerns(closed())  # it may have been a warning before
    assert planner(rule(severities=[])).concerns(opened(Severity.INFO))
    assert not planner().concerns(opened())


@pytest.mark.parametrize(("severities", "told"), [([], True), (["CRITICAL"], True), (["WARNING"], False)])
def test_a_site_whose_rules_are_about_any_severity_tells_of_critical(severities: list[str], told: bool) -> None:
    values = {"channels": CHANNELS, "rules": [rule(severities=severities)]}

    assert NotificationSettings.model_validate(values).tells_critical is told


def test_of_all_rules_that_fit_a_channel_is_told_once_at_its_earliest_time() -> None:
    late = rule("late", steps=[{"after_s": 30, "channels": ["sms", "room"]}])
    soon = rule("soon", steps=[{"channels": ["room"]}, {"after_s": 60, "channels": ["sms", "room"]}])

    assert Life(planner(late, soon)).tell(opened()) == [("opened", "room", 0), ("opened", "sms", 30)]


def test_what_happens_now_goes_before_what_is_old_and_ends_go_last() -> None:
    def priorities(event: SafetyEvent, after_s: float) -> list[int]:
        life = Life(planner({**BOTH, "severities": ["INFO", "WARNING", "CRITICAL"], "steps": [{"channels": ["room"]}]}))
        life.tell(event, after_s)
        life.tell(replace(event, revision=9, state=EpisodeState.CLOSED))
        return [row.priority for row in life.rows.values()]

    assert priorities(opened(), 0) == [0, 6]
    assert priorities(opened(), 3600) == [1, 6]
    assert priorities(opened(WARNING), 0) == [2, 6]
    assert priorities(opened(Severity.INFO), 3600) == [5, 6]


def test_a_camera_whose_clock_is_ahead_delays_nothing() -> None:
    ahead = opened(opened_at=NOON + timedelta(hours=3), updated_at=NOON + timedelta(hours=3))

    assert Life(planner(rule())).tell(ahead) == [("opened", "room", 0)]


def test_a_rule_whose_hours_cannot_be_judged_holds_and_the_others_too() -> None:
    rules = planner(rule("broken"), rule("whole", steps=[{"channels": ["sms"]}]))
    broken = rules._rules[0]
    object.__setattr__(broken, "hours", None)

    with capture_logs() as logs:
        new = Life(rules).tell(opened())

    assert new == [("opened", "room", 0), ("opened", "sms", 0)]
    assert [(entry["event"], entry["rule"]) for entry in logs] == [("notification_rule_broken", "broken")]


@st.composite
def _lives(draw: st.DrawFn) -> list[SafetyEvent]:
    """The revisions of one episode: it opens, becomes worse, ends, opens again."""
    severity, revisions = draw(st.sampled_from([WARNING, CRITICAL])), []
    state = EpisodeState.OPEN
    for revision in range(1, draw(st.integers(2, 9)) + 1):
        revisions.append(safety_event(1, revision=revision, severity=severity, state=state))
        if state is EpisodeState.CLOSED:
            state = EpisodeState.ESCALATED if severity is CRITICAL else EpisodeState.OPEN
        elif severity is WARNING and draw(st.booleans()):
            severity, state = CRITICAL, EpisodeState.ESCALATED
        else:
            state = draw(st.sampled_from([state, EpisodeState.CLOSED]))
    return revisions


@SLOWLY
@given(_lives(), st.data())
def test_revisions_that_come_again_or_late_add_nothing(revisions: list[SafetyEvent], data: st.DataObject) -> None:
    rules = planner(BOTH, rule("critical", steps=[{"channels": ["night"]}, {"after_s": 30, "channels": ["sms"]}]))
    once, often = Life(rules), Life(rules)
    for number, event in enumerate(revisions):
        once.tell(event)
        often.tell(event)
        for late in data.draw(st.lists(st.sampled_from(revisions[: number + 1]), max_size=3)):
            often.tell(late)

    assert often.rows == once.rows


@SLOWLY
@given(_lives(), st.randoms())
def test_in_any_order_each_piece_of_news_is_told_once_and_the_last_word_reaches_everybody(
    revisions: list[SafetyEvent], random: Any
) -> None:
    rules, last = planner(BOTH), revisions[-1]
    life = Life(rules)
    shuffled = revisions * 2
    random.shuffle(shuffled)
    for event in shuffled:
        life.tell(event)
        life.deliver()

    told = [(row.occurrence, row.kind is MessageKind.CLOSED, row.channel_id) for row in life.rows.values()]
    assert len(told) == len(set(told))
    of_room = [row for row in life.rows.values() if row.channel_id == "room"]
    news = [row for row in of_room if row.kind is not MessageKind.CLOSED]
    assert max(news, key=lambda row: row.occurrence).severity is last.severity
    if last.state is EpisodeState.CLOSED and len(of_room) > 1:
        assert of_room[-1].kind is MessageKind.CLOSED or of_room[-1].severity is last.severity
