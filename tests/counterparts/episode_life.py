"""One episode over its revisions, as the database keeps it, and what the planner of messages asks for at each."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from counterparts.events import NOON, safety_event

from cluster.notifications.planning import MessagePlanner
from cluster.safety.events import EpisodeState, SafetyEvent, Severity
from cluster.safety.messages import MessageState, PlannedMessage, Situation
from cluster.settings.notifications import NotificationSettings

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
