"""Reads query parameters: unknown, repeated and wrong ones are told in one line, and nothing is done."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import HTTPConnection, Request

from cluster.safety.events import EpisodeState, EventType, Severity, object_missing, ppe_missing
from cluster.safety.objects import OBJECT_NAMES, PROTECTIVE_EQUIPMENT
from cluster.safety.pictures import PictureProfile
from cluster.settings.cameras import CAMERA_ID
from cluster.settings.models import MODEL_NAME
from deployments.ingress.problems import Problem, wrong_parameter

Reader = Callable[[str], Any]
"""Makes a value of a text, or raises ValueError with the reason."""

EVENT_TYPES = frozenset(
    {*EventType, *map(ppe_missing, PROTECTIVE_EQUIPMENT), *map(object_missing, OBJECT_NAMES - PROTECTIVE_EQUIPMENT)}
)
_SPACED_ZONE = re.compile(r" (\d{2}:?\d{2})$")


def read_query(connection: HTTPConnection, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """The parameters that were given, read.

    Raises:
        Problem: 400, naming the first wrong parameter, its value and the reason.
    """
    values: dict[str, Any] = {}
    for name, text in connection.query_params.multi_items():
        reason = _fault(name, values, readers)
        if reason is None:
            try:
                values[name] = readers[name](text)
                continue
            except ValueError as error:
                reason = str(error)
        raise wrong_parameter(connection, name, text, reason)
    return values


def _fault(name: str, values: Mapping[str, Any], readers: Mapping[str, Reader]) -> str | None:
    if name not in readers:
        return f"unknown parameter, known are {', '.join(readers) or 'none'}"
    return "stands twice" if name in values else None


def camera_id(text: str) -> str:
    if not re.fullmatch(CAMERA_ID, text):
        raise ValueError("is not a camera id: lower-case letters, digits and dashes, at most 32")
    return text


def short_text(text: str) -> str:
    if not text.isprintable() or not 1 <= len(text) <= 100:
        raise ValueError("is not 1 to 100 printable characters")
    return text


def token(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.:=-]{1,200}", text):
        raise ValueError("is not a cursor that this API gave")
    return text


def model_name(text: str) -> str:
    if not re.fullmatch(MODEL_NAME, text):
        raise ValueError("is not the name of a model")
    return text


def event_type(text: str) -> str:
    if text not in EVENT_TYPES:
        raise ValueError(f"unknown event type, known are {', '.join(sorted(EVENT_TYPES))}")
    return text


def severity(text: str) -> Severity:
    return Severity(_one_of(text, [member.value for member in Severity]))


def state(text: str) -> EpisodeState:
    return EpisodeState(_one_of(text, [member.value for member in EpisodeState]))


def profile(text: str) -> PictureProfile:
    return PictureProfile(_one_of(text, [member.value for member in PictureProfile]))


def yes_or_no(text: str) -> bool:
    return _one_of(text, ["true", "false", "1", "0"]) in ("true", "1")


def moment(text: str) -> datetime:
    """A time with its zone. An unescaped `+` arrives as a space and is taken for what it was."""
    try:
        value = datetime.fromisoformat(_SPACED_ZONE.sub(r"+\1", text))
    except ValueError:
        raise ValueError("is not an ISO 8601 time such as 2026-11-22T10:00:00Z") from None
    if value.tzinfo is None:
        raise ValueError("has no time zone, append Z or +09:00")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside the years 1 to 9999 in UTC") from None


def one_of(choices: list[str]) -> Reader:
    return lambda text: _one_of(text, choices)


def between(lowest: int, highest: int) -> Reader:
    def whole(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,19}", text) or not lowest <= int(text) <= highest:
            raise ValueError(f"is not a whole number within {lowest}..{highest}")
        return int(text)

    return whole


def rate(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3})?", text) or not 0.1 <= float(text) <= 60:
        raise ValueError("is not a number of frames a second within 0.1..60")
    return float(text)


def checked_path_id(request: Request, name: str, reader: Reader, what: str) -> str:
    """The id in the path; one that can be none is not found.

    Raises:
        Problem: 404.
    """
    text = str(request.path_params[name])
    try:
        return str(reader(text))
    except ValueError:
        raise Problem(404, f"there is no {what} {text[:80]!r}") from None


def _one_of(text: str, choices: list[str]) -> str:
    if text not in choices:
        raise ValueError(f"is none of {', '.join(choices)}")
    return text
