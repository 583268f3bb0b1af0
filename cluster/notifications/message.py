"""What is sent to one person by one channel. Values only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cluster.safety.events import EpisodeState, Severity
from cluster.safety.messages import MessageKind, MessageState

__all__ = ["Channel", "MessageKind", "MessageState", "Outgoing"]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message as a channel sends it.

    `message_id` is the same at every attempt, in every process: what a channel can recognise a repeat by. `title` is
    one line, `text` a few, `short` at most 90 characters for an SMS; all in the language of the channel. `link` and
    `acknowledge_link` are "" where the site names no `page_url`. `picture` is a JPEG, None: none, or not yet.
    `thread` is what the channel answered to the first message of this episode ("": this is the first one), so that
    updates change or follow it. Times are UTC.
    """

    message_id: str
    event_id: str
    correlation_id: str
    kind: MessageKind
    severity: Severity
    state: EpisodeState
    event_type: str
    camera_id: str
    zone_id: str
    opened_at: datetime
    title: str
    text: str
    short: str
    link: str = ""
    acknowledge_link: str = ""
    picture: bytes | None = None
    thread: str = ""
    attempt: int = 1
    uncertain: bool = False
    """An earlier attempt may have arrived: its process ended, or its answer did not come."""
    occurrence: int = 1
    """Of the event as it is told here (`StoredEvent.occurrence`): what an acknowledgement by the API names."""


class Channel(Protocol):
    """One way to one person or room. Calls overlap; each is bounded by the channel's own `timeout_s`."""

    async def send(self, message: Outgoing) -> str:
        """Hands `message` over; answers with what the channel calls it (for `thread`), "" if it has no name for it.

        Raises:
            ChannelRefused: it will never be taken (wrong token, unknown number).
            ChannelUnavailable: not now; `retry_after_s` is what the channel asked for.
        """
        ...

    async def close(self) -> None:
        """Ends connections; no call follows."""
        ...
