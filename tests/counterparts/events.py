"""Safety events as tests need them: one builder, in which a test names only what it is about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cluster.safety.events import EpisodeState, SafetyEvent, Severity

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def safety_event(number: int = 1, **changed: Any) -> SafetyEvent:
    """The first revision of `event-<number>`: an intrusion at camera gate-1, opened `number` seconds after NOON."""
    camera_id, epoch = changed.get("camera_id", "gate-1"), changed.get("epoch", 1)
    opened_at = NOON + timedelta(seconds=number)
    values: dict[str, Any] = {
        "event_id": f"event-{number}",
        "revision": 1,
        "camera_id": camera_id,
        "zone_id": "press",
        "event_type": "DANGER_ZONE_INTRUSION",
        "severity": Severity.CRITICAL,
        "state": EpisodeState.OPEN,
        "subject": "person:7",
        "epoch": epoch,
        "correlation_id": f"{camera_id}-{epoch}-{number}",
        "opened_at": opened_at,
        "updated_at": opened_at,
    }
    return SafetyEvent(**(values | changed))
