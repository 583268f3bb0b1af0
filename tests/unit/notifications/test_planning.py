"""Which messages an event asks for, without a database."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from counterparts.events import NOON, safety_event
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from cluster.notifications.planning import MessagePlanner
from cluster.safety.events import EpisodeState, SafetyEvent, Severity
from cluster.safety.messages import MessageKind, MessageState, PlannedMessage, Situation
from cluster.settings.notifications import NotificationSettings

SLOWLY = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SEOUL = ZoneInfo("Asia/Seoul")
CHANNELS = [
    {"channel_id": name, "kind": "slack_webhook", "url": "${HOOK}", "updates": name != "sms"}
    for name in ("room", "sms", "boss", "night")
]
WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL
BOTH = {
    "name": "all",
    "severities": ["WARNING", "CRITICAL"],
    "steps": [{"channels": ["room"]}, {"after_s": 60, "channels": ["sms"]}, {"after_s": 300, "channels": ["boss"]}],
}


def planner(*rules: dict[str, Any]) -> MessagePlanner:
    values = {"channels": CHANNELS, "rules": list(rules)}
    return MessagePlanner(NotificationSettings.model_validate(values), SEOUL)


def rule(name: str = "r", **changed: Any) -> dict[str, Any]:
    return {"name": name, "steps": [{"channels": ["room"]}], **changed}


class Life:
    """One event over its revisions, as the database keeps it."""

    def __init__(self, planner: MessagePlanner, mutes: Sequence[datetime | None] = ()) -> None:
        self._planner, self.mutes, self.now = planner, tuple(mutes), NOON
        self.event: SafetyEvent | None = None
        self.occurrence = 0
        self.rows: dict[str, PlannedMessage] = {}

    def tell(self, event: SafetyEvent, after_s: float = 0) -> list[tuple[str, str, float]]:
        """What is new: kind, channel, seconds until it is due."""
        self.now += timedelta(seconds=after_s)
        known, before = self.event, set(self.rows)
        if known is not None and (known.epoch, known.revision) >= (event.epoch, event.revision):
            return []
        is_news = known is None or _is_news(known, event)
        self.occurrence += is_news
        self.event = event
        if self._planner.concerns(event):
            told = tuple(self.rows.values())
            plan = self._planner.plan(Situation(event, self.occurrence, is_news, told, self.mutes, self.now))
            for row in plan.new:
                self.rows.setdefault(row.message_id, row)
            for message_id in plan.needless:
                self.become(message_id, MessageState.CANCELLED)
        return [_short(row, self.now) for row in self.rows.values() if row.message_id not in before]

    def become(self, message_id: str, state: MessageState) -> None:
        row = self.rows[message_id]
        state = row.state if row.state is MessageState.MUTED else state
        self.rows[message_id] = replace(row, state=state, next_try_at=None)

    def become_told(self, channel_id: str) -> None:
        """The channel took it, muted or not."""
        for row in self.rows.values():
            if row.channel_id == channel_id:
                self.rows[row.message_id] = replace(row, state=MessageState.ACCEPTED, next_try_at=None)

    def fail(self, channel_id: str) -> None:
        """The channel did not take what is due; it is tried again."""
        for row in self.rows.values():
            if row.channel_id == channel_id and row.state is MessageState.WAITING and row.next_try_at is not None:
                self.rows[row.message_id] = replace(row, attempts=row.attempts + 1)

    def deliver(self) -> None:
        """The channels take whatever is due."""
        for row in list(self.rows.values()):
            if row.state is MessageState.WAITING and row.due_at <= self.now:
                self.become(row.message_id, MessageState.ACCEPTED)

    def waiting(self) -> list[tuple[str, str, float]]:
        return [_short(row, self.now) for row in self.rows.values() if row.next_try_at is not None]


def _is_news(known: SafetyEvent, event: SafetyEvent) -> bool:
    again = known.state is EpisodeState.CLOSED and event.state is not EpisodeState.CLOSED
    return again or event.severity.rank > known.severity.rank


def _short(row: PlannedMessage, now: datetime) -> tuple[str, str, float]:
    return (row.kind.value, row.channel_id, (row.due_at - now).total_seconds())


def opened(severity: Severity = CRITICAL, **changed: Any) -> SafetyEvent:
    return safety_event(1, severity=severity, **changed)


def escalated(revision: int = 2) -> SafetyEvent:
    return safety_event(1, revision=revision, state=EpisodeState.ESCALATED)


def closed(revision: int = 2, severity: Severity = CRITICAL) -> SafetyEvent:
    return safety_event(1, revision=revision, severity=severity, state=EpisodeState.CLOSED, closed_at=NOON)


def reopened(revision: int = 3, severity: Severity = CRITICAL) -> SafetyEvent:
    return safety_event(1, revision=revision, severity=severity, detail={"reopened": 1})


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
