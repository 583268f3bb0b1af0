"""One record of the outbox: events of one step, and the episodes that are open after it, in one file.

Both stand in the same file because the file appears by one rename: after a crash there are either the
new events and the new episodes, or the old ones. Were they two files, a crash between them would tell an
episode twice (events without episodes) or never (episodes without events).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from cluster.camera.event_codec import event_from_json, event_to_json
from cluster.safety.episodes import SavedEpisode
from cluster.safety.events import SafetyEvent, Severity

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class OutboxRecord:
    """`pictured` names the events that have pictures; `open_episodes` are the rules' own JSON objects."""

    sequence: int
    events: tuple[SafetyEvent, ...]
    pictured: tuple[str, ...]
    open_episodes: tuple[dict[str, Any], ...]

    @property
    def severity(self) -> Severity:
        """The worst of its events: a record goes as a whole."""
        return worst(self.events)

    def without_events(self) -> "OutboxRecord":
        """Only what is open, for events that there is no room for."""
        return replace(self, events=(), pictured=())


def worst(events: Sequence[SafetyEvent]) -> Severity:
    """The highest severity, INFO for none."""
    return max((event.severity for event in events), key=lambda severity: severity.rank, default=Severity.INFO)


def encode(record: OutboxRecord) -> bytes:
    content = {
        "sequence": record.sequence,
        "events": [event_to_json(event) for event in record.events],
        "pictured": list(record.pictured),
        "open_episodes": list(record.open_episodes),
    }
    return json.dumps(content, separators=(",", ":"), default=_plain).encode()


def decode(body: bytes) -> OutboxRecord:
    """The record that `encode` wrote.

    Raises:
        ValueError: truncated, or not a record.
    """
    try:
        content = json.loads(body)
        return OutboxRecord(
            sequence=int(content["sequence"]),
            events=tuple(event_from_json(event) for event in content["events"]),
            pictured=tuple(content["pictured"]),
            open_episodes=tuple(content["open_episodes"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"is no record: {type(error).__name__} {error}") from error


def readable_episodes(saved: Iterable[Mapping[str, Any]]) -> list[SavedEpisode]:
    """Those that this release understands: one that it does not must neither keep the camera from watching nor
    hold up the others."""
    episodes = []
    for one in saved:
        try:
            episodes.append(SavedEpisode.from_dict(one))
        except ValueError as error:
            event_id = str(one.get("event_id")) if isinstance(one, Mapping) else ""
            _log.error("episode_unreadable", event_id=event_id, reason=str(error))
    return episodes


def _plain(value: object) -> object:
    """A numpy number in `detail` must not cost the alarm; anything else is told as text."""
    item = getattr(value, "item", None)
    return item() if callable(item) else str(value)
