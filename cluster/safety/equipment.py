"""Protective equipment: who wears what, and who does not wear what the zone requires."""

from collections.abc import Iterator, Sequence
from math import hypot

from cluster.safety.absence import Absence
from cluster.safety.episodes import EpisodeBook
from cluster.safety.events import Severity, ppe_missing
from cluster.safety.geometry import center
from cluster.safety.looks import Look
from cluster.safety.objects import FALLEN_PERSON, PERSON, PROTECTIVE_EQUIPMENT, is_a
from cluster.safety.presence import Phase, Presence
from cluster.safety.stay import close_one, ensure_open
from cluster.safety.tracks import Track
from cluster.safety.zones import Zone

WORN = "worn"
UNKNOWN_TO_MODEL = "the model in service does not find it"

_WHOLE = (0.0, 1.0)
_HEAD = (0.0, 0.4)
_FEET = (0.6, 1.0)
_WORN_AT = {"helmet": _HEAD, "mask": _HEAD, "goggles": _HEAD, "boots": _FEET}
"""Part of a standing person's box, from the top, in which the centre of the equipment must lie."""

_EXPECTED_AT = {"helmet": 0.05, "mask": 0.12, "goggles": 0.1, "vest": 0.4, "gloves": 0.5, "boots": 0.95}


def worn_by_track(tracks: Sequence[Track]) -> dict[int, frozenset[str]]:
    """Equipment of each person that wears any, by track id.

    Every piece belongs to one person at most, and a person takes one of a kind: the best fitting pairs
    first, so that of two people who overlap the one helmet is not on both heads.
    """
    people = [track for track in tracks if is_a(track.label, PERSON)]
    pairs = sorted(
        (misfit, number, index)
        for number, piece in enumerate(tracks)
        if piece.label in PROTECTIVE_EQUIPMENT
        for index, person in enumerate(people)
        if (misfit := _misfit(piece, person)) is not None
    )
    worn: dict[int, set[str]] = {}
    taken: set[int] = set()
    for _, number, index in pairs:
        items = worn.setdefault(people[index].track_id, set())
        if number not in taken and tracks[number].label not in items:
            taken.add(number)
            items.add(tracks[number].label)
    return {track_id: frozenset(items) for track_id, items in worn.items() if items}


def judge_equipment(
    zone: Zone, presence: Presence, knows: frozenset[str] | None, book: EpisodeBook, look: Look
) -> None:
    """Judge each required item of a person who is seen inside.

    Time in which the person is not seen inside counts for neither side. An item that the model in
    service does not know cannot be judged: nothing is opened, and what is open is closed saying so.
    """
    worn = look.worn.get(presence.subject.track_id, frozenset())
    for item in dict.fromkeys(zone.require):
        if knows is not None and item not in knows:
            close_one(book, presence, zone, ppe_missing(item), look.moment, UNKNOWN_TO_MODEL)
            presence.absences.pop(item, None)
        else:
            _judge_item(zone, presence, item, item in worn, book, look)


def _judge_item(zone: Zone, presence: Presence, item: str, is_worn: bool, book: EpisodeBook, look: Look) -> None:
    event_type = ppe_missing(item)
    if item not in presence.absences:
        known = presence.episodes.get(event_type)
        is_missing = known is not None and known.is_open
        presence.absences[item] = Absence(zone.missing_after_s, zone.exit_debounce_s, is_missing)
    absence = presence.absences[item]
    absence.missing_after_s, absence.seen_for_s = zone.missing_after_s, zone.exit_debounce_s
    absence.observe(is_worn, presence.steady_s)
    if not absence.is_missing:
        close_one(book, presence, zone, event_type, look.moment, WORN)
    elif presence.phase is Phase.PRESENT:
        within_s = zone.cooldown_s + zone.missing_after_s
        ensure_open(
            book, presence, zone, event_type, Severity.WARNING, look.moment, item=item, reopen_within_s=within_s
        )


def equipment_types(zone: Zone) -> Iterator[str]:
    return (ppe_missing(item) for item in zone.require)


def _misfit(piece: Track, person: Track) -> float | None:
    """How far `piece` is from where it is worn, in sizes of the person's box; None if it is not worn by him."""
    x1, y1, x2, y2 = person.box
    x, y = center(piece.box)
    if not (x1 <= x <= x2 and y1 <= y <= y2):
        return None
    width, height = max(x2 - x1, 1e-9), max(y2 - y1, 1e-9)
    across, down = (x - x1) / width, (y - y1) / height
    if person.label == FALLEN_PERSON:  # the head may be on any side
        return hypot(across - 0.5, down - 0.5)
    top, bottom = _WORN_AT.get(piece.label, _WHOLE)
    return hypot(across - 0.5, down - _EXPECTED_AT[piece.label]) if top <= down <= bottom else None
