"""What is logged and counted of one message."""

from datetime import datetime

import structlog

from cluster.notifications.message import MessageKind, MessageState
from cluster.safety.messages import PlannedMessage
from cluster.telemetry import metrics

_log = structlog.get_logger()


def named(planned: PlannedMessage) -> dict[str, str]:
    """What every line about it names."""
    return {
        "correlation_id": planned.correlation_id,
        "event_id": planned.event_id,
        "message_id": planned.message_id,
        "channel_id": planned.channel_id,
        "severity": planned.severity.value,
        "kind": planned.kind.value,
    }


def tell(event: str, planned: PlannedMessage, **said: object) -> None:
    """A line of the log, INFO."""
    _log.info(event, **named(planned), **said)


def count_attempt(planned: PlannedMessage, outcome: str) -> None:
    """`outcome`: accepted, retry, refused."""
    metrics.notification_attempts.inc(1, {"channel_id": planned.channel_id, "outcome": outcome})


def count(planned: PlannedMessage, state: MessageState) -> None:
    """It came to `state`."""
    metrics.notifications.inc(1, {"channel_id": planned.channel_id, "state": state.value})


def observe(planned: PlannedMessage, stage: str, now: datetime) -> None:
    """How long after its frame it came to `stage`. Later steps wait on purpose, and of an end nobody is in a hurry."""
    if planned.step or planned.kind is MessageKind.CLOSED:
        return
    # The camera's clock and this one: an error of theirs shows here, and nowhere else.
    took_s = max(0.0, (now - planned.captured_at).total_seconds())
    metrics.capture_to_message.observe(took_s, {"stage": stage})
