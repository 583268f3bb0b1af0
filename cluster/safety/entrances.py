"""People who enter and leave a zone: moments, each told once."""

from cluster.safety.episodes import EpisodeBook, Moment
from cluster.safety.events import EventType
from cluster.safety.presence import Presence
from cluster.safety.stay import stay_detail
from cluster.safety.zones import Zone

ENTRANCE = EventType.PERSON_ENTRANCE.value


def judge_entrance(zone: Zone, presence: Presence, book: EpisodeBook, moment: Moment) -> None:
    """Tell an entrance, if this person has not entered since the last exit.

    Whoever is inside when the camera first looks has entered too: what happened before was not watched.
    Each crossing that outlasts the debounces is told, the cooldown notwithstanding, so that entrances
    and exits always pair.
    """
    if ENTRANCE not in presence.episodes:
        detail = stay_detail(presence, zone)
        presence.episodes[ENTRANCE] = book.tell_moment(zone.zone_id, ENTRANCE, presence.name, moment, detail)


def judge_exit(zone: Zone, presence: Presence, book: EpisodeBook, moment: Moment) -> None:
    """Tell the exit of a stay that has ended, if its entrance was told.

    Somebody who vanished in the middle of the zone is told as an exit too, or the count of people inside
    would never come down again; `reason` then says "lost from sight", so that nobody takes it for
    a proof that the zone is empty.
    """
    entrance = presence.episodes.pop(ENTRANCE, None)
    if entrance is not None:
        detail = {
            **stay_detail(presence, zone),
            "reason": presence.reason,
            "entrance_id": entrance.event_id,
            "entered_at": entrance.opened_at.isoformat(),
            "last_seen_at": presence.last_inside_at.isoformat(),
        }
        book.tell_moment(zone.zone_id, EventType.PERSON_EXIT.value, entrance.subject, moment, detail)
