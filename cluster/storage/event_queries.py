"""The statements that read events: which columns, which rows, and where a page goes on."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from cluster.storage.records import EventFilter, Page, Position, StoredEvent
from cluster.storage.tables import changes, events


def select_events() -> Select[Any]:
    """All columns of an event, and the number of its last change."""
    number = select(func.max(changes.c.number)).where(changes.c.event_id == events.c.event_id)
    return select(events, number.correlate(events).scalar_subquery().label("change_number"))


def conditions(wanted: EventFilter) -> list[ColumnElement[bool]]:
    """What a row must be to be one of `wanted`."""
    same = ("camera_id", "zone_id", "event_type", "severity", "state")
    found = [events.c[name] == str(getattr(wanted, name)) for name in same if getattr(wanted, name) is not None]
    if wanted.cameras is not None:
        found.append(events.c.camera_id.in_(sorted(wanted.cameras)))
    if wanted.acknowledged is not None:
        unacknowledged = events.c.acknowledged_at.is_(None)
        found.append(~unacknowledged if wanted.acknowledged else unacknowledged)
    if wanted.opened_after is not None:
        found.append(events.c.opened_at >= wanted.opened_after)
    if wanted.opened_before is not None:
        found.append(events.c.opened_at < wanted.opened_before)
    return found


def after(position: Position) -> ColumnElement[bool]:
    """The rows behind `position`, newest first."""
    same_moment = and_(events.c.opened_at == position.opened_at, events.c.event_id < position.event_id)
    # The first condition says nothing new; it is the one that an index can answer.
    return and_(events.c.opened_at <= position.opened_at, or_(events.c.opened_at < position.opened_at, same_moment))


def page_of(found: Sequence[StoredEvent], limit: int) -> Page:
    """A page of `limit` events, of `found`, which has one more where there are more."""
    items = tuple(found[:limit])
    if len(found) <= limit:
        return Page(items, None)
    last = items[-1].event
    return Page(items, Position(last.opened_at, last.event_id).cursor)
