"""What an answer over HTTP means for a message: taken, never, or not now."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from cluster.safety.errors import ChannelError, ChannelRefused, ChannelUnavailable

_NOT_NOW = frozenset({408, 409, 423, 425, 429})
_MAY_HAVE_ARRIVED = frozenset({408, 500, 502, 504})


def failure_of(channel_id: str, status: int, said: str, headers: Mapping[str, str]) -> ChannelError | None:
    """None for 2xx. `said`: what the answer holds, with nothing secret in it."""
    if 200 <= status < 300:
        return None
    reason = f"channel {channel_id}: answered {status}" + (f" ({said})" if said else "")
    if status in _NOT_NOW or status >= 500:
        asked_s = retry_after_s(headers.get("retry-after", ""), datetime.now(UTC))
        return ChannelUnavailable(reason, "", asked_s, status in _MAY_HAVE_ARRIVED)
    if 300 <= status < 400:
        return ChannelRefused(reason, "use the address that it redirects to")
    return ChannelRefused(reason, "see that address, token and number are right")


def retry_after_s(value: str, now: datetime) -> float | None:
    """Seconds that `Retry-After` asks for, as a number or a date (RFC 9110, 10.2.3); None if it says nothing."""
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment - now).total_seconds()) if moment.tzinfo is not None else None
