"""Whole numbers for what is named by texts here, for a client that knows nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cluster.storage.ingress_tables import whole_numbers
from cluster.storage.transactions import Transactions
from cluster.storage.upsert import insert_into


class NumberKind(StrEnum):
    """What is numbered. A zone's name is `<camera_id>/<zone_id>`."""

    CAMERA = "camera"
    ZONE = "zone"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """`number` stands for `name` for ever, also after what has the name is gone and made again."""

    kind: NumberKind
    name: str
    number: int
    given_at: datetime


class WholeNumberStore:
    """Faults as in `EventStore`. Numbers come from one series for all kinds, and have gaps."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._transactions = Transactions(engine)

    async def numbers(self, kind: NumberKind, names: Sequence[str]) -> Mapping[str, WholeNumber]:
        """The number of each name; those that have none get one, in the order of `names`."""
        known = await self._transactions.read(lambda connection: _known(connection, kind, names))
        if missing := [name for name in dict.fromkeys(names) if name not in known]:
            known |= await self._transactions.write(lambda connection: _given(connection, kind, missing))
        return known

    async def named(self, kind: NumberKind, number: int) -> WholeNumber | None:
        """What `number` stands for; None: nothing of this kind."""
        query = select(whole_numbers).where(whole_numbers.c.number == number, whole_numbers.c.kind == kind.value)

        async def work(connection: AsyncConnection) -> WholeNumber | None:
            row = (await connection.execute(query)).first()
            return _whole_number(row) if row is not None else None

        return await self._transactions.read(work)


async def _given(connection: AsyncConnection, kind: NumberKind, names: Sequence[str]) -> dict[str, WholeNumber]:
    """Whoever else gives one of these names a number meanwhile was first: the index lets no second one in."""
    now = datetime.now(UTC)
    rows = [{"kind": kind.value, "name": name, "given_at": now} for name in names]
    index = [whole_numbers.c.kind, whole_numbers.c.name]
    await connection.execute(insert_into(connection, whole_numbers, rows).on_conflict_do_nothing(index_elements=index))
    return await _known(connection, kind, names)


async def _known(connection: AsyncConnection, kind: NumberKind, names: Sequence[str]) -> dict[str, WholeNumber]:
    query = select(whole_numbers).where(whole_numbers.c.kind == kind.value, whole_numbers.c.name.in_(names))
    return {row.name: _whole_number(row) for row in await connection.execute(query)}


def _whole_number(row: Row[Any]) -> WholeNumber:
    return WholeNumber(NumberKind(row.kind), row.name, row.number, row.given_at)
