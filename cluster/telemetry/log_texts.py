"""What may stand in a log line: no secret, no number that JSON does not know, no text without an end."""

import json
import math
from typing import Any

import structlog

from cluster.safety.redaction import MASK, redact

_LONGEST_TEXT, _HEAD = 8000, 2000
_MOST_ITEMS, _DEEPEST = 200, 6
_SECRET_KEYS = frozenset(
    {
        *("password", "passwd", "pwd", "secret", "token", "authorization", "cookie", "set-cookie", "signature"),
        *("api_key", "apikey", "x-api-key", "access_key", "secret_access_key", "auth_token", "bot_token"),
        *("aws_secret_access_key", "aws_session_token", "webhook_url"),
    }
)


def clean(value: Any, depth: int = 0) -> Any:
    """`value` as JSON can say it and anybody may read it, also inside mappings and lists. Never raises for what
    Python's own types hold; a foreign object's text may."""
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth >= _DEEPEST:
        return _text(str(value))
    if isinstance(value, dict):
        pairs = list(value.items())[:_MOST_ITEMS]
        return {_text(str(key)): clean_field(str(key), one, depth + 1) for key, one in pairs}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(one, depth + 1) for one in list(value)[:_MOST_ITEMS]]
    return _text(str(value))


def clean_field(key: str, value: Any, depth: int = 0) -> Any:
    """`value` of the field `key`: of some it is a secret whatever it looks like."""
    return MASK if value and key.lower() in _SECRET_KEYS else clean(value, depth)


def rendered(event: structlog.typing.EventDict) -> str:
    """One JSON object in one line; never raises."""
    try:
        return json.dumps({key: clean_field(key, value) for key, value in event.items()}, ensure_ascii=False)
    # The border to whatever somebody logs: an object whose text cannot be made must not cost the caller his work.
    except Exception as error:  # noqa: BLE001
        known = {key: event.get(key) for key in ("timestamp", "level", "process", "pid", "camera_id")}
        left = {key: value for key, value in known.items() if isinstance(value, str | int)}
        return json.dumps({**left, "event": "log_line_not_rendered", "reason": type(error).__name__})


def _text(text: str) -> str:
    if len(text) > _LONGEST_TEXT:
        # A traceback says at its end what happened.
        tail = _LONGEST_TEXT - _HEAD
        text = f"{text[:_HEAD]} ... {len(text) - _LONGEST_TEXT} characters ... {text[-tail:]}"
    return redact(text)
