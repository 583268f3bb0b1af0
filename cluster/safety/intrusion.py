"""Somebody in a zone: CRITICAL in a danger zone; in a warning zone WARNING, then CRITICAL."""

from cluster.safety.episodes import EpisodeBook, Moment
from cluster.safety.events import EpisodeState, EventType, Severity
from cluster.safety.observed_time import EPSILON_S
from cluster.safety.presence import Presence
from cluster.safety.stay import ensure_open, stay_detail
from cluster.safety.zones import Zone, ZoneKind

_TOLD_AS = {
    ZoneKind.DANGER: (EventType.DANGER_ZONE_INTRUSION, Severity.CRITICAL),
    ZoneKind.WARNING: (EventType.WARNING_ZONE_INTRUSION, Severity.WARNING),
}


def intrusion_type(kind: ZoneKind) -> str:
    return _TOLD_AS[kind][0].value


def judge_intrusion(zone: Zone, presence: Presence, book: EpisodeBook, moment: Moment) -> None:
    """Tell `presence`, whose subject is seen inside, and escalate it when it has been inside for too long."""
    event_type, severity = _TOLD_AS[zone.kind]
    episode = ensure_open(book, presence, zone, event_type.value, severity, moment)
    too_long = presence.inside_s >= zone.escalate_after_s - EPSILON_S
    if zone.kind is ZoneKind.WARNING and too_long and episode.state is EpisodeState.OPEN:
        detail = {**stay_detail(presence, zone), "escalate_after_s": zone.escalate_after_s}
        book.escalate(episode, Severity.CRITICAL, moment, detail)
