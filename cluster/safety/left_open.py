"""Episodes that an owner on another node has left open, from what it told, and how a new owner goes on with them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from cluster.safety.episodes import EpisodeBook, Moment, SavedEpisode
from cluster.safety.events import EpisodeState, SafetyEvent
from cluster.safety.frames import correlation_id
from cluster.safety.subjects import kind_of
from cluster.safety.tracks import Box

LATE_WORDS = 1000
"""Revisions that a former owner may still have on a disk that nobody can read now.

Whoever goes on with an episode from its row alone counts from so many further on, so that revisions as readers see
them only rise; that the newer owner's word holds is the store's doing, which looks at the epoch first.
"""


def from_event(event: SafetyEvent) -> SavedEpisode:
    """What the row of an event still knows of its episode.

    `counter` is unknown and 0, which is harmless: it counts under one epoch, and a new owner has another.
    """
    inside_s = event.detail.get("inside_s")
    return SavedEpisode(
        event_id=event.event_id,
        revision=event.revision,
        zone_id=event.zone_id,
        event_type=event.event_type,
        severity=event.severity,
        state=event.state,
        subject=event.subject,
        epoch=event.epoch,
        counter=0,
        opened_at=event.opened_at,
        since=event.opened_at,
        last_seen_at=event.updated_at,
        inside_s=float(inside_s) if isinstance(inside_s, int | float) else 0.0,
        box=_box(event),
    )


def taken_up(own: Sequence[SavedEpisode], told: Iterable[SavedEpisode]) -> list[SavedEpisode]:
    """What a new owner has to go on with: what its own disk holds, and what was `told` by others and is not there.

    Of an episode that both know the own disk is right, unless somebody else has gone on with it since.
    """
    merged = {one.event_id: one for one in own}
    for one in told:
        known = merged.get(one.event_id)
        if known is None or known.revision < one.revision:
            merged[one.event_id] = replace(one, revision=one.revision + LATE_WORDS)
    return list(merged.values())


def ended_elsewhere(
    own: Iterable[SavedEpisode], told: Iterable[SavedEpisode], unsent: Collection[str]
) -> list[SavedEpisode]:
    """Those of the own disk that an owner in between has ended, for a camera that comes back to a node.

    `told`: all that the store shows open. What it cannot know, because it lies `unsent` (event ids) on the same disk,
    goes on; so do entrances, which are never open.
    """
    known = {one.event_id for one in told} | set(unsent)
    return [one for one in own if one.state is not EpisodeState.CLOSED and one.event_id not in known]


def doubles(saved: Iterable[SavedEpisode]) -> list[SavedEpisode]:
    """Those of which a later one says the same of the same subject: only one of them can go on."""
    newest: dict[tuple[str, str, str], SavedEpisode] = {}
    over: list[SavedEpisode] = []
    for one in sorted(saved, key=lambda episode: episode.opened_at):
        key = (one.zone_id, one.event_type, one.subject)
        if (before := newest.get(key)) is not None:
            over.append(before)
        newest[key] = one
    return over


def ends(camera_id: str, saved: Iterable[SavedEpisode], reason: str, now_wall: datetime) -> list[SafetyEvent]:
    """The last words of episodes of a camera that nobody watches and nobody will, each under the epoch that told it
    last; what its former owner may still have on a disk and says under the same epoch comes behind them."""
    told: list[SafetyEvent] = []
    for one in saved:
        book = EpisodeBook(camera_id, one.epoch)
        moment = Moment(now_wall, 0.0, correlation_id(camera_id, one.epoch, 0))
        book.give_up(replace(one, revision=one.revision + LATE_WORDS), moment, reason)
        told += book.drain()
    return told


def _box(event: SafetyEvent) -> Box | None:
    """Where the subject was seen last; `helmet@person:7` is where that person was.

    The name stays when the number changes (`track_id` in the detail), and somebody else may have the old number by now.
    """
    kind, _, number = event.subject.rpartition("@")[2].partition("#")[0].partition(":")
    track = str(event.detail.get("track_id", number))
    return next((one.box for one in event.objects if (kind_of(one.label), str(one.track_id)) == (kind, track)), None)
