"""From a planned message to what a channel sends: the event as it is now, words, links, picture."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cluster.notifications.links import AcknowledgeLinks
from cluster.notifications.message import MessageKind, Outgoing
from cluster.notifications.texts import Composer, Occasion
from cluster.safety.events import SafetyEvent
from cluster.safety.messages import PlannedMessage
from cluster.settings.notifications import Language


class Kept(Protocol):
    """An event as it is kept (`cluster.storage.records.StoredEvent`). `snapshot_state`: none, pending, stored, lost."""

    @property
    def event(self) -> SafetyEvent: ...

    @property
    def snapshot_state(self) -> str: ...

    @property
    def snapshot_name(self) -> str | None: ...

    @property
    def acknowledged_at(self) -> datetime | None: ...

    @property
    def occurrence(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Writing:
    """Writes messages of one site. `camera_name` answers at once, "" if it knows none."""

    composer: Composer
    links: AcknowledgeLinks
    page_url: str
    camera_name: Callable[[str], str]
    now: Callable[[], datetime]

    def outgoing(
        self, planned: PlannedMessage, kept: Kept, language: Language, picture: bytes | None, thread: str
    ) -> Outgoing:
        """`planned` as its channel sends it."""
        event = kept.event
        words = self.composer.words(
            Occasion(event, planned.kind, planned.step, self.camera_name(event.camera_id)), language
        )
        return Outgoing(
            message_id=planned.message_id,
            event_id=event.event_id,
            correlation_id=planned.correlation_id,
            kind=planned.kind,
            severity=event.severity,
            state=event.state,
            event_type=event.event_type,
            camera_id=event.camera_id,
            zone_id=event.zone_id,
            opened_at=event.opened_at,
            title=words.title,
            text=words.text,
            short=words.short,
            link=self._link(event.event_id),
            acknowledge_link=self._acknowledge_link(planned, kept),
            picture=picture,
            thread=thread,
            attempt=planned.attempts,
            uncertain=planned.uncertain,
            occurrence=kept.occurrence,
        )

    def _link(self, event_id: str) -> str:
        return f"{self.page_url.rstrip('/')}/?event={event_id}" if self.page_url else ""

    def _acknowledge_link(self, planned: PlannedMessage, kept: Kept) -> str:
        if kept.acknowledged_at is not None or planned.kind is MessageKind.CLOSED:
            return ""
        return self.links.link(planned.event_id, planned.channel_id, kept.occurrence, self.now())
