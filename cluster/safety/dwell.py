"""Somebody stays in a zone for longer than allowed."""

from cluster.safety.episodes import EpisodeBook, Moment
from cluster.safety.events import EventType, Severity
from cluster.safety.observed_time import EPSILON_S
from cluster.safety.presence import Presence
from cluster.safety.stay import ensure_open
from cluster.safety.zones import Zone


def judge_dwell(zone: Zone, presence: Presence, book: EpisodeBook, moment: Moment) -> None:
    """Tell that `presence`, whose subject is seen inside, has lasted for `zone.dwell_s` of observed time."""
    if zone.dwell_s is not None and presence.inside_s >= zone.dwell_s - EPSILON_S:
        ensure_open(book, presence, zone, EventType.ZONE_DWELL.value, Severity.WARNING, moment)
