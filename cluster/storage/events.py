"""The event store: one row an episode, one change row for whatever happens to it."""

from collections.abc import Collection, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import ColumnElement, Select, and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cluster.safety.events import SafetyEvent
from cluster.storage.acknowledging import Acknowledgement, AcknowledgeOutcome, acknowledge
from cluster.storage.change_log import append_changes
from cluster.storage.event_queries import after, conditions, page_of, select_events
from cluster.storage.message_plans import Planner
from cluster.storage.recording import new_row, record
from cluster.storage.records import Change, ChangeKind, EventFilter, Page, Position, SnapshotState, StoredEvent
from cluster.storage.rows import stored_event
from cluster.storage.statistics import Bucket, StatisticsBy, count_events
from cluster.storage.tables import STILL_OPEN, change_counter, changes, events
from cluster.storage.transactions import Transactions

__all__ = ["Change", "ChangeKind", "EventFilter", "EventStore", "Page", "SnapshotState", "StoredEvent"]

_log = structlog.get_logger()
Changes = list[Change]
Buckets = list[Bucket]
MOST_ITEMS = 1000
_MOST_OPEN = 10_000


class EventStore:
    """Owned by whoever made the engine; any number of calls at once from its event loop.

    Every method is one whole transaction, answers within the engine's `timeout_s` and raises DatabaseUnavailable
    if the database refused, failed or did not answer. Repeating a call is always safe.
    """

    def __init__(self, engine: AsyncEngine, planner: Planner | None = None) -> None:
        """`planner` says what messages an event asks for; None: none."""
        self._transactions, self._planner = Transactions(engine), planner

    async def record(
        self,
        camera_id: str,
        sender_epoch: int,
        events: Sequence[SafetyEvent],
        pending_snapshots: Collection[str] = (),
    ) -> int:
        """Keeps `events` of one camera, those that are newer than what is kept; says how many changed.

        Newer is what a later owner of the camera says, of one owner the higher revision: late words of a former
        owner, from the disk of a node that comes back, never overrule those of the present one.

        `sender_epoch` is the lease of who delivers, which may be newer than that of the events; it becomes the
        camera's epoch if that is lower. `pending_snapshots` are ids of events whose picture follows. What an event
        asks to be told is planned in the same transaction. Where it is news (it opens again after its end, or becomes
        worse) it is unacknowledged again.

        Raises:
            LeaseLost: the camera has a newer epoch; nothing was kept.
            ValueError: an event of another camera, or a time without zone.
        """
        told = [(event, new_row(camera_id, event, pending_snapshots)) for event in events]
        return await self._transactions.write(lambda c: record(c, camera_id, sender_epoch, told, self._planner))

    async def acknowledge(self, said: Acknowledgement) -> AcknowledgeOutcome:
        """Says that somebody knows of an event and acts. The first word about its present occurrence holds; later
        steps of those who are to be told are cancelled."""
        return await self._transactions.write(lambda connection: acknowledge(connection, said))

    async def snapshot_stored(self, event_id: str, name: str) -> bool:
        """Says that the picture of an event is in the snapshot store; False if that was known, or no such event."""
        known = and_(events.c.snapshot_state == SnapshotState.STORED, events.c.snapshot_name == name)
        values = {"snapshot_state": SnapshotState.STORED.value, "snapshot_name": name}
        return await self._snapshot(event_id, ~func.coalesce(known, False), values, ChangeKind.SNAPSHOT_STORED)

    async def snapshot_lost(self, event_id: str) -> bool:
        """Says that the picture will never come; False if one is stored, it was known, or no such event."""
        open_states = (SnapshotState.NONE.value, SnapshotState.PENDING.value)
        values = {"snapshot_state": SnapshotState.LOST.value}
        return await self._snapshot(
            event_id, events.c.snapshot_state.in_(open_states), values, ChangeKind.SNAPSHOT_LOST
        )

    async def get(self, event_id: str) -> StoredEvent | None:
        """The event, None if there is none."""
        found = await self._stored(select_events().where(events.c.event_id == event_id))
        return found[0] if found else None

    async def list(self, filter: EventFilter, cursor: str | None = None, limit: int = 100) -> Page:
        """At most `limit` (1 to 1000) events, newest first, those after `cursor`.

        Raises:
            ValueError: a wrong cursor or limit.
        """
        _check_limit(limit)
        query = select_events().where(*conditions(filter))
        if cursor is not None:
            query = query.where(after(Position.of(cursor)))
        newest_first = query.order_by(events.c.opened_at.desc(), events.c.event_id.desc())
        return page_of(await self._stored(newest_first.limit(limit + 1)), limit)

    async def count(self, filter: EventFilter, most: int) -> int:
        """How many events there are, at most `most`: so many are looked at and no more."""
        found = select(events.c.event_id).where(*conditions(filter)).limit(most).subquery()
        return int((await self._rows(select(func.count().label("events")).select_from(found)))[0].events)

    async def statistics(self, filter: EventFilter, by: StatisticsBy, zone: ZoneInfo) -> Buckets:
        """How many events there were, see `count_events`."""
        return await self._transactions.read(lambda connection: count_events(connection, filter, by, zone))

    async def open_events(self, camera_id: str) -> Sequence[StoredEvent]:
        """The events of a camera that are not closed, oldest first."""
        query = select_events().where(events.c.camera_id == camera_id, STILL_OPEN)
        return await self._stored(query.order_by(events.c.opened_at, events.c.event_id))

    async def all_open(self) -> Sequence[StoredEvent]:
        """The events of all cameras that are not closed, at most 10,000; costs what is open and not what is kept.

        Rows that this release cannot read are logged and left out.
        """
        # In the order of the index of what is open, which holds these rows and no others.
        query = select_events().where(STILL_OPEN).order_by(events.c.camera_id).limit(_MOST_OPEN)
        rows = await self._rows(query)
        if len(rows) == _MOST_OPEN:
            _log.error("open_events_not_all_read", read=_MOST_OPEN)
        return [one for row in rows if (one := _readable(row)) is not None]

    async def changes_after(self, number: int, limit: int = 100) -> Changes:
        """At most `limit` (1 to 1000) changes with a higher number, in the order of their numbers.

        Numbers are in commit order: who goes on after the last one that it read never misses one.
        """
        _check_limit(limit)
        query = (
            select_events()
            .add_columns(changes.c.number, changes.c.kind)
            .join(changes, changes.c.event_id == events.c.event_id)
            .where(changes.c.number > number)
            .order_by(changes.c.number)
            .limit(limit)
        )
        rows = await self._rows(query)
        return [Change(row.number, ChangeKind(row.kind), stored_event(row)) for row in rows]

    async def last_change(self) -> int:
        """The number of the last change, 0 if there never was one."""
        rows = await self._rows(select(change_counter.c.last))
        return int(rows[0].last)

    async def ping(self) -> None:
        """Returns if the database answers and has its tables."""
        await self.last_change()

    async def _snapshot(
        self, event_id: str, where: ColumnElement[bool], values: dict[str, Any], kind: ChangeKind
    ) -> bool:
        query = update(events).where(events.c.event_id == event_id, where).values(values).returning(events.c.revision)

        async def work(connection: AsyncConnection) -> bool:
            revision = (await connection.execute(query)).scalar()
            if revision is not None:
                await append_changes(connection, kind, [(event_id, revision)])
            return revision is not None

        return await self._transactions.write(work)

    async def _stored(self, query: Select[Any]) -> Sequence[StoredEvent]:
        return [stored_event(row) for row in await self._rows(query)]

    async def _rows(self, query: Select[Any]) -> Sequence[Any]:
        async def work(connection: AsyncConnection) -> Sequence[Any]:
            return list(await connection.execute(query))

        return await self._transactions.read(work)


def _readable(row: Any) -> StoredEvent | None:
    try:
        return stored_event(row)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"{type(error).__name__}: {error}"
        _log.error("open_event_unreadable", camera_id=row.camera_id, event_id=row.event_id, reason=reason)
        return None


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= MOST_ITEMS:
        raise ValueError(f"limit: {limit} is not within 1..{MOST_ITEMS}")
