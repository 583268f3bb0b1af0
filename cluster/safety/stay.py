"""What all rules about somebody's stay share: telling it, ending it, saving it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from cluster.safety.episodes import Episode, EpisodeBook, Moment, SavedEpisode, save
from cluster.safety.events import Severity
from cluster.safety.presence import Phase, Presence, Where
from cluster.safety.subjects import stand_in
from cluster.safety.zones import Zone


def stay_detail(presence: Presence, zone: Zone | None = None) -> dict[str, Any]:
    """JSON values that every event of a stay carries; `since` is the first sighting, before the debounce."""
    place = {"zone_name": zone.name, "zone_kind": zone.kind.value} if zone else {}
    seen = {"label": presence.subject.label, "track_id": presence.subject.track_id}
    return {**place, **seen, "since": presence.since.isoformat(), "inside_s": round(presence.inside_s, 2)}


def ensure_open(
    book: EpisodeBook,
    presence: Presence,
    zone: Zone | None,
    event_type: str,
    severity: Severity,
    moment: Moment,
    *,
    item: str = "",
    reopen_within_s: float | None = None,
) -> Episode:
    """The open episode `event_type` of this stay, told now if it was not.

    One that has closed in the course of the stay is reopened under its id; with `reopen_within_s` only
    that many seconds after its end, and a new one is opened later.
    """
    episode = presence.episodes.get(event_type)
    if episode is not None and episode.is_open:
        return episode
    detail = stay_detail(presence, zone) | ({"item": item} if item else {})
    if episode is not None and (reopen_within_s is None or moment.now_s - episode.closed_s <= reopen_within_s):
        book.reopen(episode, moment, detail)
        return episode
    subject = f"{item}@{presence.name}" if item else presence.name
    episode = book.open(zone.zone_id if zone else "", event_type, subject, severity, moment, detail)
    presence.episodes[event_type] = episode
    return episode


def take_up(book: EpisodeBook, presence: Presence, zone: Zone | None, moment: Moment) -> None:
    """Tell that restored episodes go on, now that somebody was seen to whom they belong."""
    for episode in presence.episodes.values():
        if episode.is_open:
            book.take_up(episode, moment, stay_detail(presence, zone))


def close_one(
    book: EpisodeBook,
    presence: Presence,
    zone: Zone | None,
    event_type: str,
    moment: Moment,
    reason: str,
    ended_at: datetime | None = None,
) -> None:
    """End the episode `event_type` of this stay, if one is open."""
    episode = presence.episodes.get(event_type)
    if episode is not None and episode.is_open:
        book.close(episode, moment, stay_detail(presence, zone), reason, ended_at)


def close_all(book: EpisodeBook, presence: Presence, zone: Zone | None, moment: Moment, reason: str = "") -> None:
    """End every open episode of a stay: with its own reason and when it was last seen, or now with `reason`."""
    ended_at = None if reason else presence.last_inside_at
    for event_type in list(presence.episodes):
        close_one(book, presence, zone, event_type, moment, reason or presence.reason, ended_at)
    presence.absences.clear()


def saved_episodes(presence: Presence) -> Iterator[SavedEpisode]:
    """The open episodes of a stay."""
    for episode in presence.episodes.values():
        if episode.is_open:
            yield saved(presence, episode)


def saved(presence: Presence, episode: Episode) -> SavedEpisode:
    return save(episode, presence.since, presence.last_inside_at, presence.inside_s, presence.subject.box)


def restored(name: str, group: list[SavedEpisode], book: EpisodeBook) -> Presence:
    """The stay of `name` that `group` was saved from."""
    box = next((one.box for one in group if one.box is not None), None)
    return Presence(
        stand_in(name, box),
        since=min(one.since for one in group),
        last_inside_at=max(one.last_seen_at for one in group),
        name=name,
        phase=Phase.PRESENT,
        where=Where.UNKNOWN,
        inside_s=max(one.inside_s for one in group),
        adrift=True,
        episodes={one.event_type: book.restore(one) for one in group},
    )
