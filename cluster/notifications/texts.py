"""The words of a message: title, text, and what fits into an SMS."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from cluster.notifications.message import MessageKind
from cluster.notifications.phrases import PHRASES, Phrases
from cluster.safety.events import EpisodeState, SafetyEvent
from cluster.settings.notifications import Language

LONGEST_SHORT = 90
_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Words:
    """`title` is one line, `text` a few, `short` one of at most 90 characters."""

    title: str
    text: str
    short: str


@dataclass(frozen=True, slots=True)
class Occasion:
    """What is told: `event` as it is now, and why it is told. `step` is above 0 when nobody has acknowledged so far.

    `camera_name` is "" if nobody gave it one; the zone's stands in the event.
    """

    event: SafetyEvent
    kind: MessageKind
    step: int = 0
    camera_name: str = ""


class Composer:
    """Of one site; times are shown in its time zone."""

    def __init__(self, site_name: str, time_zone: str) -> None:
        self._site_name, self._zone = _one_line(site_name), ZoneInfo(time_zone)

    def words(self, occasion: Occasion, language: Language) -> Words:
        """What a person reads."""
        phrases, event = PHRASES[language], occasion.event
        mark = _mark(occasion, phrases)
        type_name = phrases.event_type(event.event_type)
        place = _place(occasion, phrases)
        title = f"[{mark}] {type_name} · {place}"
        return Words(title, self._text(occasion, phrases), self._short(mark, type_name, place, event.opened_at))

    def test_words(self, language: Language, now: datetime) -> Words:
        """What nobody can take for an alarm, in the other language too: who reads it may not know this one."""
        phrases, others = PHRASES[language], [one for name, one in PHRASES.items() if name is not language]
        title = f"[{phrases.test}] SAFE-YOLO · {self._site_name}"
        lines = [phrases.test_text, *(one.test_text for one in others), phrases.lines["opened"].format(self._time(now))]
        short = f"[{phrases.test}/{others[0].test}] SAFE-YOLO {self._clock(now)}"
        return Words(title, "\n".join(lines), _fitting(short, LONGEST_SHORT))

    def _text(self, occasion: Occasion, phrases: Phrases) -> str:
        event, lines = occasion.event, phrases.lines
        said = [
            lines["site"].format(self._site_name),
            lines["camera"].format(_named(occasion.camera_name, event.camera_id)),
            lines["zone"].format(_zone_name(event, phrases)),
            lines["opened"].format(self._time(event.opened_at)),
        ]
        if event.closed_at is not None:
            lasted_s = max(0, round((event.closed_at - event.opened_at).total_seconds()))
            said.append(lines["closed"].format(self._time(event.closed_at), lasted_s))
        if reason := _reason(event.detail):
            said.append(lines["reason"].format(reason))
        if occasion.step and occasion.kind is not MessageKind.CLOSED:
            said.append(lines["unacknowledged"])
        return "\n".join(said)

    def _short(self, mark: str, type_name: str, place: str, moment: datetime) -> str:
        """The time and what happened stay whole; a long place is cut."""
        before, after = f"[{mark}] {type_name} ", f" {self._clock(moment)}"
        room = LONGEST_SHORT - len(before) - len(after)
        return _fitting(f"{before}{_fitting(place, max(room, 1))}{after}", LONGEST_SHORT)

    def _time(self, moment: datetime) -> str:
        return moment.astimezone(self._zone).strftime("%Y-%m-%d %H:%M:%S %Z")

    def _clock(self, moment: datetime) -> str:
        return moment.astimezone(self._zone).strftime("%H:%M:%S")


def _mark(occasion: Occasion, phrases: Phrases) -> str:
    severity = phrases.severities[occasion.event.severity]
    if occasion.kind is MessageKind.CLOSED or occasion.event.state is EpisodeState.CLOSED:
        return f"{phrases.closed} · {severity}"
    if occasion.kind is MessageKind.ESCALATED:
        return f"{severity} · {phrases.escalated}"
    return severity


def _place(occasion: Occasion, phrases: Phrases) -> str:
    event = occasion.event
    camera = _one_line(occasion.camera_name) or event.camera_id
    return f"{camera} · {_zone_name(event, phrases)}" if event.zone_id else camera


def _zone_name(event: SafetyEvent, phrases: Phrases) -> str:
    if not event.zone_id:
        return phrases.whole_picture
    return _one_line(str(event.detail.get("zone_name") or "")) or event.zone_id


def _named(name: str, identity: str) -> str:
    return f"{_one_line(name)} ({identity})" if name else identity


def _reason(detail: Mapping[str, object]) -> str:
    """Why a camera is not watched; what rules say to programs (`left`) tells a person nothing."""
    return _one_line(str(detail.get("status_reason") or ""))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _fitting(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + _ELLIPSIS
