"""Which messages an event asks for: pure functions of the site's rules and of what is known at this moment.

What operators can rely on:

- News is told: an episode that opens, opens again after its end, or becomes worse. Everything else of it is an update.
- All steps of a rule are planned at once, counted from the moment in which the event was recorded: the camera's clock
  may be wrong, and of an event that comes late the first person still gets his time before the second is told.
- A channel is told once of each piece of news, at the earliest time that any rule names. Where a message to it still
  waits, the newer one takes its place and keeps its time, also one that is past: a CRITICAL episode that flaps
  escalates all the same, and is given up in time. (Of a lesser one each end cancels the later steps: they count anew.)
- An end that nobody was told of yet is not told any more once the episode is open again: it would be a false all-clear.
- The end is told to channels that were told of the beginning (or are about to be), and want updates.
- Later steps of an episode that has ended: of a CRITICAL one they go out if nobody acknowledged, because somebody was
  in danger and nobody reacted; of a lesser one they are cancelled, because it has mended itself.
- Quiet (`muted`) holds for what would be told while it lasts. What is still open and unacknowledged at its end is told
  then. CRITICAL is quiet only where the quiet has an end.
- News acknowledges nothing: whoever acknowledged before did not know of it.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

import structlog

from cluster.safety.events import EpisodeState, SafetyEvent, Severity
from cluster.safety.messages import REACHED, UNFINISHED, MessageKind, MessageState, Plan, PlannedMessage, Situation
from cluster.settings.notifications import NotificationSettings, RuleSettings

_log = structlog.get_logger()
_NAMESPACE = uuid.UUID("5afe0c8e-6f2c-5d0b-9a52-1f0f5a4e0002")
_STALE = timedelta(minutes=10)
"""What was old when it was recorded waits behind what happens now, of the same severity."""
_ENDS_LAST = 6
_NOT_YET = (MessageState.WAITING, MessageState.MUTED)


@dataclass(frozen=True, slots=True)
class _Call:
    """One channel that a rule names, and how many seconds after the event."""

    channel_id: str
    after_s: float
    step: int
    rule: str


class MessagePlanner:
    """The rules of one site. `zone` is the site's time zone, in which its hours are meant."""

    def __init__(self, settings: NotificationSettings, zone: tzinfo) -> None:
        self._rules, self._zone = settings.rules, zone
        self._updates = frozenset(channel.channel_id for channel in settings.channels if channel.updates)

    def concerns(self, event: SafetyEvent) -> bool:
        """Whether any rule could ask for messages of this episode, now or earlier in its life; costs nothing."""
        return any(
            _place_fits(rule, event) and any(rule.is_about(one) for one in Severity if one.rank <= event.severity.rank)
            for rule in self._rules
        )

    def plan(self, situation: Situation) -> Plan:
        """What to write now. The same situation always gives the same plan, with the same ids."""
        news = self._news(situation) if situation.is_news else ()
        ends = self._ends(situation, {one.channel_id for one in news})
        needless = {*_replaced(situation, news), *_mended(situation), *_false_all_clears(situation)}
        return Plan((*news, *ends), tuple(sorted(needless)))

    def _news(self, situation: Situation) -> tuple[PlannedMessage, ...]:
        calls = self._calls(situation)
        if _is_over(situation.event) and situation.event.severity is not Severity.CRITICAL:
            calls = [call for call in calls if call.after_s == 0]  # it began and ended before anybody could be told
        kind = _news_kind(situation)
        return tuple(_quiet(situation, _message(situation, kind, call)) for call in calls)

    def _calls(self, situation: Situation) -> list[_Call]:
        """Each channel once, at its earliest time."""
        local = situation.now.astimezone(self._zone)
        found: dict[str, _Call] = {}
        for rule in self._rules:
            if _fits(rule, situation.event, local):
                for call in _calls_of(rule):
                    known = found.get(call.channel_id)
                    if known is None or call.after_s < known.after_s:
                        found[call.channel_id] = call
        return sorted(found.values(), key=lambda call: (call.after_s, call.channel_id))

    def _ends(self, situation: Situation, told_now: set[str]) -> Iterator[PlannedMessage]:
        if not _is_over(situation.event):
            return
        for channel_id in sorted(self._updates - told_now):
            begun = _newest_begun(situation, channel_id)
            if begun is not None and not _end_is_told(situation, channel_id, begun.occurrence):
                call = _Call(channel_id, 0, begun.step, begun.rule)
                yield _quiet(situation, _message(situation, MessageKind.CLOSED, call))


def _fits(rule: RuleSettings, event: SafetyEvent, local: datetime) -> bool:
    if not rule.is_about(event.severity) or not _place_fits(rule, event):
        return False
    try:
        return rule.hours.hold(local)
    except Exception as error:  # noqa: BLE001 - one broken rule
        # Rather somebody is told at a wrong hour than nobody.
        reason = f"{type(error).__name__}: {error}"
        _log.exception("notification_rule_broken", rule=rule.name, reason=reason)
        return True


def _place_fits(rule: RuleSettings, event: SafetyEvent) -> bool:
    wanted = (
        (rule.event_types, event.event_type),
        (rule.cameras, event.camera_id),
        (rule.zones, event.zone_id),
    )
    return all(not names or name in names for names, name in wanted)


def _calls_of(rule: RuleSettings) -> Iterator[_Call]:
    for number, step in enumerate(rule.steps):
        for channel_id in step.channels:
            yield _Call(channel_id, step.after_s, number, rule.name)


def _news_kind(situation: Situation) -> MessageKind:
    """An episode that opens again says so in its detail; what else is news of a known one is that it became worse."""
    event = situation.event
    worse = situation.occurrence > 1 and event.state is not EpisodeState.OPEN and "reopened" not in event.detail
    return MessageKind.ESCALATED if worse else MessageKind.OPENED


def _message(situation: Situation, kind: MessageKind, call: _Call) -> PlannedMessage:
    event = situation.event
    replaced = _replaced_by(situation, kind, call.channel_id)
    planned = situation.now + timedelta(seconds=call.after_s)
    due_at = min([planned, *(one.due_at for one in replaced)])
    return PlannedMessage(
        message_id=_message_id(event.event_id, situation.occurrence, kind, call),
        event_id=event.event_id,
        kind=kind,
        occurrence=situation.occurrence,
        rule=call.rule,
        step=call.step,
        channel_id=call.channel_id,
        state=MessageState.WAITING,
        severity=event.severity,
        correlation_id=event.correlation_id,
        due_at=due_at,
        created_at=situation.now,
        captured_at=event.updated_at,
        priority=_priority(situation, kind),
        next_try_at=max(situation.now, due_at),
        attempts=max((one.attempts for one in replaced), default=0),
    )


def _replaced_by(situation: Situation, kind: MessageKind, channel_id: str) -> list[PlannedMessage]:
    if kind is MessageKind.CLOSED:
        return []
    return [one for one in _waiting(situation) if one.channel_id == channel_id]


def _message_id(event_id: str, occurrence: int, kind: MessageKind, call: _Call) -> str:
    parts = (event_id, str(occurrence), kind.value, str(call.step), call.channel_id)
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(parts)))


def _priority(situation: Situation, kind: MessageKind) -> int:
    """CRITICAL 0, WARNING 2, INFO 4, and one more for what was old when it came; ends are last."""
    if kind is MessageKind.CLOSED:
        return _ENDS_LAST
    event = situation.event
    return 2 * (Severity.CRITICAL.rank - event.severity.rank) + (situation.now - event.updated_at > _STALE)


def _quiet(situation: Situation, message: PlannedMessage) -> PlannedMessage:
    """`message`, or the same one muted: put off to the end of the quiet, or, where there is none, never sent. The end
    of an episode is not kept for later."""
    ends = [end for end in situation.mutes if end is not None]
    if len(ends) < len(situation.mutes) and message.severity is not Severity.CRITICAL:
        return replace(message, state=MessageState.MUTED, next_try_at=None)
    until = max(ends, default=situation.now)
    if until <= situation.now:
        return message
    if message.kind is MessageKind.CLOSED:
        return replace(message, state=MessageState.MUTED, next_try_at=None)
    due_at = until + max(timedelta(0), message.due_at - situation.now)
    return replace(message, state=MessageState.MUTED, due_at=due_at, next_try_at=due_at)


def _replaced(situation: Situation, news: Sequence[PlannedMessage]) -> Iterator[str]:
    """The same person need not be told twice of what is one story."""
    channels = {one.channel_id for one in news}
    return (one.message_id for one in _waiting(situation) if one.channel_id in channels)


def _mended(situation: Situation) -> Iterator[str]:
    """What an episode that has ended leaves nobody to be told of."""
    if not _is_over(situation.event):
        return
    lesser = situation.event.severity is not Severity.CRITICAL
    for one in _waiting(situation):
        # What is left muted after the quiet waits like everything else: the first person may have been told meanwhile.
        quiet = one.state is MessageState.MUTED and bool(situation.mutes)
        if quiet or (lesser and one.due_at > situation.now):
            yield one.message_id


def _false_all_clears(situation: Situation) -> Iterator[str]:
    if situation.is_news and not _is_over(situation.event):
        yield from (one.message_id for one in _unsent(situation) if one.kind is MessageKind.CLOSED)


def _waiting(situation: Situation) -> Iterator[PlannedMessage]:
    """News that nobody has in hand yet."""
    return (one for one in _unsent(situation) if one.kind is not MessageKind.CLOSED)


def _unsent(situation: Situation) -> Iterator[PlannedMessage]:
    return (one for one in situation.told if one.state in _NOT_YET and one.next_try_at is not None)


def _newest_begun(situation: Situation, channel_id: str) -> PlannedMessage | None:
    begun = [
        one
        for one in situation.told
        if one.channel_id == channel_id
        and one.kind is not MessageKind.CLOSED
        and one.state in UNFINISHED | REACHED
        and one.due_at <= situation.now
    ]
    return max(begun, key=lambda one: one.occurrence, default=None)


def _end_is_told(situation: Situation, channel_id: str, occurrence: int) -> bool:
    """Or will be. One that was cancelled because the episode opened again told nobody."""
    return any(
        one.kind is MessageKind.CLOSED
        and one.channel_id == channel_id
        and one.occurrence >= occurrence
        and one.state is not MessageState.CANCELLED
        for one in situation.told
    )


def _is_over(event: SafetyEvent) -> bool:
    return event.state is EpisodeState.CLOSED
