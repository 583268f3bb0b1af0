"""The transaction in which events become rows, and in which the messages that they ask for are planned."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, or_
from sqlalchemy.ext.asyncio import AsyncConnection

from cluster.safety.events import EpisodeState, SafetyEvent, Severity
from cluster.storage.change_log import append_changes
from cluster.storage.leases import hold_lease
from cluster.storage.message_plans import Planner, plan_messages
from cluster.storage.records import ChangeKind, SnapshotState
from cluster.storage.rows import event_values
from cluster.storage.tables import events
from cluster.storage.upsert import insert_into

_KEPT = frozenset({"event_id", "recorded_at", "snapshot_state", "occurrence", "news_revision"})
"""Columns of a new row that a newer revision does not simply overwrite."""
_ACKNOWLEDGEMENT = ("acknowledged_by", "acknowledged_at", "acknowledged_remark", "acknowledged_way")


def new_row(camera_id: str, event: SafetyEvent, pending_snapshots: Collection[str]) -> dict[str, Any]:
    """The columns of `event`.

    Raises:
        ValueError: an event of another camera, or a time without zone.
    """
    if event.camera_id != camera_id:
        raise ValueError(f"event {event.event_id}: camera_id: {event.camera_id!r} was sent as one of {camera_id!r}")
    state = SnapshotState.PENDING if event.event_id in pending_snapshots else SnapshotState.NONE
    row = event_values(event, state, datetime.now(UTC))
    return {**row, "occurrence": 1, "news_revision": event.revision}


async def record(
    connection: AsyncConnection,
    camera_id: str,
    epoch: int,
    told: Sequence[tuple[SafetyEvent, dict[str, Any]]],
    planner: Planner | None,
) -> int:
    """Keeps events with their rows, those that are newer; says how many."""
    # The lease's lock also keeps two senders of one camera, of the same events perhaps, from waiting for each other.
    await hold_lease(connection, camera_id, epoch)
    changed = []
    for event, row in told:
        kept = await _upsert(connection, row)
        if kept is None:
            continue
        changed.append((event.event_id, event.revision))
        if planner is not None:
            occurrence, news_revision = kept
            await plan_messages(connection, planner, event, occurrence, news_revision == event.revision)
    await append_changes(connection, ChangeKind.EVENT, changed)
    return len(changed)


async def _upsert(connection: AsyncConnection, row: dict[str, Any]) -> tuple[int, int] | None:
    """Occurrence, and the revision that began it; None: what is kept is as new."""
    insert = insert_into(connection, events, row)
    new = insert.excluded
    # A stored picture stays; one that was lost may still come with a later revision.
    pending = and_(events.c.snapshot_state != SnapshotState.STORED.value, new.snapshot_state == "pending")
    is_news = _is_news(new)
    query = insert.on_conflict_do_update(
        index_elements=[events.c.event_id],
        set_={
            **{name: new[name] for name in row if name not in _KEPT},
            "snapshot_state": case((pending, SnapshotState.PENDING.value), else_=events.c.snapshot_state),
            "occurrence": case((is_news, events.c.occurrence + 1), else_=events.c.occurrence),
            "news_revision": case((is_news, new.revision), else_=events.c.news_revision),
            # Who acknowledged did not know of this; `acknowledgements` still says who it was.
            **{name: case((is_news, None), else_=events.c[name]) for name in _ACKNOWLEDGEMENT},
        },
        where=or_(events.c.epoch < new.epoch, and_(events.c.epoch == new.epoch, events.c.revision < new.revision)),
    ).returning(events.c.occurrence, events.c.news_revision)
    found = (await connection.execute(query)).first()
    return None if found is None else (found.occurrence, found.news_revision)


def _is_news(new: Any) -> ColumnElement[bool]:
    """Whether the episode opens again after its end, or becomes worse."""
    closed = EpisodeState.CLOSED.value
    opens_again = and_(events.c.state == closed, new.state != closed)
    return or_(opens_again, _rank(new.severity) > _rank(events.c.severity))


def _rank(severity: Any) -> ColumnElement[int]:
    return case({one.value: one.rank for one in Severity}, value=severity, else_=-1)
