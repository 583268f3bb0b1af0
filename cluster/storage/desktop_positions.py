"""How far each desktop client was told events, for its next socket, which another replica may serve."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cluster.storage.ingress_tables import desktop_positions
from cluster.storage.transactions import Transactions
from cluster.storage.upsert import insert_into

_FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DesktopPosition:
    """All changes up to the number `cursor` were told by the time `at` (UTC)."""

    cursor: int
    at: datetime


class DesktopPositionStore:
    """By client, a text that stands for one of them. Faults as in `EventStore`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._transactions = Transactions(engine)

    async def get(self, client: str) -> DesktopPosition | None:
        query = select(desktop_positions).where(desktop_positions.c.client == client)

        async def work(connection: AsyncConnection) -> DesktopPosition | None:
            row = (await connection.execute(query)).first()
            return DesktopPosition(row.cursor, row.at) if row is not None else None

        return await self._transactions.read(work)

    async def keep(self, client: str, position: DesktopPosition) -> None:
        """In place of what was kept; who has not been here for a day is forgotten on the way."""
        gone = desktop_positions.c.at <= position.at - _FORGOTTEN_AFTER
        values = {"client": client, "cursor": position.cursor, "at": position.at}

        async def work(connection: AsyncConnection) -> None:
            insert = insert_into(connection, desktop_positions, values)
            kept = {"cursor": insert.excluded.cursor, "at": insert.excluded.at}
            await connection.execute(
                insert.on_conflict_do_update(index_elements=[desktop_positions.c.client], set_=kept)
            )
            await connection.execute(delete(desktop_positions).where(gone))

        await self._transactions.write(work)
