"""Events that ask for messages to `room` at once and to `boss` a minute later, and words of people about them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from cluster.notifications.planning import MessagePlanner
from cluster.safety.events import EpisodeState, SafetyEvent
from cluster.safety.messages import PlannedMessage
from cluster.settings.notifications import NotificationSettings
from cluster.storage.acknowledging import Acknowledgement, AcknowledgeWay

PLANNER = MessagePlanner(
    NotificationSettings.model_validate(
        {
            "channels": [
                {"channel_id": name, "kind": "slack_webhook", "url": "${HOOK}"} for name in ("room", "boss", "night")
            ],
            "rules": [
                {
                    "name": "all",
                    "severities": ["WARNING", "CRITICAL"],
                    "steps": [{"channels": ["room"]}, {"after_s": 60, "channels": ["boss"]}],
                }
            ],
        }
    ),
    ZoneInfo("Asia/Seoul"),
)


def closed(event: SafetyEvent, revision: int) -> SafetyEvent:
    return replace(event, revision=revision, state=EpisodeState.CLOSED, closed_at=event.opened_at)


def said(by: str, **changed: Any) -> Acknowledgement:
    return Acknowledgement(
        **{"event_id": "event-001", "by": by, "remark": "", "way": AcknowledgeWay.API, "at": datetime.now(UTC)}
        | changed
    )


def by_link(occurrence: int, channel_id: str = "room") -> Acknowledgement:
    return said(channel_id, way=AcknowledgeWay.LINK, occurrence=occurrence, channel_id=channel_id)


def short(found: Sequence[PlannedMessage]) -> list[tuple[str, str, str]]:
    return [(one.kind.value, one.channel_id, one.state.value) for one in found]


OPENED = [("opened", "room", "waiting"), ("opened", "boss", "waiting")]
