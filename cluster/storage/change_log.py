"""The change log's numbers."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cluster.storage.records import ChangeKind
from cluster.storage.tables import change_counter, changes


async def append_changes(connection: AsyncConnection, kind: ChangeKind, told: Sequence[tuple[str, int]]) -> None:
    """One change for each (event id, revision), numbered in commit order. To be the last thing of a transaction.

    From here to the commit the counter's row is locked, and no other transaction gets a number: a reader that sees
    a number has therefore every lower one before it.
    """
    if not told:
        return
    draw = update(change_counter).values(last=change_counter.c.last + len(told)).returning(change_counter.c.last)
    first = (await connection.execute(draw)).scalar_one() - len(told) + 1
    now = datetime.now(UTC)
    rows = [
        {"number": first + index, "event_id": event_id, "kind": kind.value, "revision": revision, "at": now}
        for index, (event_id, revision) in enumerate(told)
    ]
    await connection.execute(insert(changes), rows)
