"""How many events there were, by hour, day, type or camera; counted by the database, so that no row leaves it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, Integer, case, cast, func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from cluster.safety.events import Severity
from cluster.storage.event_queries import conditions
from cluster.storage.records import EventFilter
from cluster.storage.tables import events

MOST_BUCKETS = 10_000
_HOUR_S, _DAY_S = 3600, 86400
_EPOCH = date(1970, 1, 1)
_FIRST, _LAST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class StatisticsBy(StrEnum):
    """What a bucket is: an hour or a day of the site's own time, an event type, a camera."""

    HOUR = "hour"
    DAY = "day"
    TYPE = "type"
    CAMERA = "camera"

    @property
    def longest(self) -> timedelta:
        """The longest span that may be asked for."""
        return timedelta(days=31 if self is StatisticsBy.HOUR else 400)


@dataclass(frozen=True, slots=True)
class Bucket:
    """`count` events of one type and severity in one hour (`key`: its beginning, `2026-11-22T01:00:00Z`), on one day
    of the site's zone (`2026-11-22`), or of one type or camera."""

    key: str
    event_type: str
    severity: Severity
    count: int


class TooManyBuckets(ValueError):
    """More than MOST_BUCKETS: a shorter span or a filter is needed."""


async def count_events(
    connection: AsyncConnection, wanted: EventFilter, by: StatisticsBy, zone: ZoneInfo
) -> list[Bucket]:
    """Buckets in the order of key, type and severity; those without events are left out.

    `wanted` has `opened_after` and `opened_before`, at most `by.longest` apart.

    Raises:
        TooManyBuckets: see there.
        ValueError: no span, or one that is too long.
    """
    begin, end = _span(wanted, by)
    key = _key(connection.dialect.name, by, _offsets(zone, begin, end))
    columns = (key.label("key"), events.c.event_type, events.c.severity)
    query = (
        select(*columns, func.count().label("events"))
        .where(*conditions(wanted))
        # By position: repeated with its parameters, PostgreSQL would not know the key as the one selected.
        .group_by(text("1"), text("2"), text("3"))
        .order_by(text("1"), text("2"), text("3"))
        .limit(MOST_BUCKETS + 1)
    )
    rows = (await connection.execute(query)).all()
    if len(rows) > MOST_BUCKETS:
        raise TooManyBuckets(f"there are more than {MOST_BUCKETS} buckets; ask for a shorter span, or with a filter")
    remainder = _hour_remainder(zone, begin)
    return [
        Bucket(_said(row.key, by, remainder), row.event_type, Severity(row.severity), int(row.events)) for row in rows
    ]


def _span(wanted: EventFilter, by: StatisticsBy) -> tuple[datetime, datetime]:
    if wanted.opened_after is None or wanted.opened_before is None:
        raise ValueError("opened_after and opened_before: statistics need both")
    if not _FIRST <= wanted.opened_after < wanted.opened_before <= _LAST:
        raise ValueError(
            f"opened_after: is not before opened_before, or one of them not within {_FIRST:%Y}..{_LAST:%Y}"
        )
    if wanted.opened_before - wanted.opened_after > by.longest:
        raise ValueError(f"opened_after: by {by.value} at most {by.longest.days} days are counted")
    return wanted.opened_after, wanted.opened_before


def _key(dialect: str, by: StatisticsBy, offsets: Sequence[tuple[datetime, int]]) -> ColumnElement[Any]:
    if by is StatisticsBy.TYPE:
        return events.c.event_type
    if by is StatisticsBy.CAMERA:
        return events.c.camera_id
    seconds = _epoch_seconds(dialect)
    if by is StatisticsBy.HOUR:
        return (seconds + offsets[0][1] % _HOUR_S) // _HOUR_S
    return (seconds + _offset(offsets)) // _DAY_S


def _epoch_seconds(dialect: str) -> ColumnElement[int]:
    if dialect == "sqlite":
        return cast(func.strftime("%s", events.c.opened_at), Integer)
    return cast(func.floor(func.extract("epoch", events.c.opened_at)), BigInteger)


def _offset(offsets: Sequence[tuple[datetime, int]]) -> ColumnElement[int]:
    """Seconds east of Greenwich when a row was opened: one number, unless the clocks were changed in the span."""
    if len(offsets) == 1:
        return literal(offsets[0][1])
    changes = [(events.c.opened_at >= since, seconds) for since, seconds in reversed(offsets[1:])]
    return case(*changes, else_=offsets[0][1])


def _offsets(zone: ZoneInfo, begin: datetime, end: datetime) -> list[tuple[datetime, int]]:
    """From when on which offset of `zone` holds, the first one at `begin`."""
    found = [(begin, _offset_at(zone, begin))]
    for earlier, later in _days(begin, end):
        if _offset_at(zone, later) != found[-1][1]:
            change = _change(zone, earlier, later)
            found.append((change, _offset_at(zone, change)))
    return found


def _days(begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    at = begin
    while at < end:
        later = min(at + timedelta(days=1), end)
        yield at, later
        at = later


def _change(zone: ZoneInfo, earlier: datetime, later: datetime) -> datetime:
    """The second from which the offset of `later` holds; there is one change between the two."""
    before = _offset_at(zone, earlier)
    while later - earlier > timedelta(seconds=1):
        middle = earlier + (later - earlier) / 2
        earlier, later = (middle, later) if _offset_at(zone, middle) == before else (earlier, middle)
    return later.replace(microsecond=0)


def _offset_at(zone: ZoneInfo, moment: datetime) -> int:
    offset = moment.astimezone(zone).utcoffset()
    return round(offset.total_seconds()) if offset else 0


def _hour_remainder(zone: ZoneInfo, moment: datetime) -> int:
    """Half of a zone's hours begin at half past in UTC."""
    return _offset_at(zone, moment) % _HOUR_S


def _said(key: Any, by: StatisticsBy, remainder_s: int) -> str:
    if by is StatisticsBy.DAY:
        return (_EPOCH + timedelta(days=int(key))).isoformat()
    if by is StatisticsBy.HOUR:
        begins = datetime.fromtimestamp(int(key) * _HOUR_S - remainder_s, UTC)
        return begins.isoformat().replace("+00:00", "Z")
    return str(key)
