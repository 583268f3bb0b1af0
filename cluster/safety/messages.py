"""What becomes of one message to one person: its kinds and states, the record of it, and what a plan is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cluster.safety.events import SafetyEvent, Severity


class MessageKind(StrEnum):
    """Why a message is sent. An episode that opens again is `opened` again; `closed` is only an update."""

    OPENED = "opened"
    ESCALATED = "escalated"
    CLOSED = "closed"


class MessageState(StrEnum):
    """Where a message is.

    waiting: due now or later. sending: a Notifier has it in hand. sent: handed over, and nobody said yet whether it
    was taken. accepted: the channel took it. acknowledged: somebody acted on its event by its own link. failed: given
    up, a dead letter. cancelled: not needed any more (acknowledged, closed before it was due). muted: an operator
    wanted quiet when it was planned; it is sent when that ends if the event is still open and nobody acknowledged.
    """

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    ACCEPTED = "accepted"
    ACKNOWLEDGED = "acknowledged"
    FAILED = "failed"
    CANCELLED = "cancelled"
    MUTED = "muted"


UNFINISHED = frozenset({MessageState.WAITING, MessageState.SENDING, MessageState.SENT})
REACHED = frozenset({MessageState.SENT, MessageState.ACCEPTED, MessageState.ACKNOWLEDGED})
"""States in which the channel has the message, or may have it."""


@dataclass(frozen=True, slots=True)
class PlannedMessage:
    """One message of one event to one channel.

    `message_id` is the same for the same event, occurrence, kind, step and channel, for ever. `occurrence` counts what
    was news about the event: opened is 1, and every opening anew or raised severity is one more. `step` is the
    place of the step in its rule. `due_at` is when it was planned for, `next_try_at` when it is tried next, None:
    never; while a Notifier has it in hand, when its claim runs out. `priority`: lower goes first. `attempts` counts
    those that were begun, those of the message whose place it took too. `uncertain`: an earlier attempt may have
    arrived. `thread` is what the channel called it, "" if nothing. `captured_at` is the event's time of the frame that
    caused it, on its camera's clock. Times are UTC.
    """

    message_id: str
    event_id: str
    kind: MessageKind
    occurrence: int
    rule: str
    step: int
    channel_id: str
    state: MessageState
    severity: Severity
    correlation_id: str
    due_at: datetime
    created_at: datetime
    captured_at: datetime
    priority: int = 0
    next_try_at: datetime | None = None
    attempts: int = 0
    uncertain: bool = False
    claimed_by: str = ""
    thread: str = ""
    last_error: str = ""
    sent_at: datetime | None = None
    accepted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """What a plan is made of: a revision that has just become the newest of its event.

    `occurrence` is that of the event now, `is_news` whether this revision began it. `told`: the messages of the event
    so far. `mutes`: until when operators want quiet about this camera, None: without an end. `now` is the Recorder's
    clock: that of a camera may be wrong, and its words may come late.
    """

    event: SafetyEvent
    occurrence: int
    is_news: bool
    told: Sequence[PlannedMessage]
    mutes: Sequence[datetime | None]
    now: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """Messages to write, and ids of unfinished ones that are not needed any more."""

    new: tuple[PlannedMessage, ...] = ()
    needless: tuple[str, ...] = ()
