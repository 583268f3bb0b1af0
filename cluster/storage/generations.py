"""Which release of the ingress began last, so that the replicas of an older one notice that they are followed."""

from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cluster.storage.ingress_tables import ingress_generation
from cluster.storage.transactions import Transactions


class GenerationStore:
    """Generations count from 1 and only rise. Faults as in `EventStore`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._transactions = Transactions(engine)

    async def begin(self, release: str) -> int:
        """The generation of `release`: the present one if that is its own, else the next one, which begins now.

        Two replicas that begin at once get the same one: the update locks the row, and the second reads it anew.
        """
        now = datetime.now(UTC)
        rise = (
            update(ingress_generation)
            .where(ingress_generation.c.release != release)
            .values(generation=ingress_generation.c.generation + 1, release=release, begun_at=now)
        )

        async def work(connection: AsyncConnection) -> int:
            await connection.execute(rise)
            return await _present(connection)

        return await self._transactions.write(work)

    async def present(self) -> int:
        """The generation that began last; 0: none ever did."""
        return await self._transactions.read(_present)


async def _present(connection: AsyncConnection) -> int:
    return int((await connection.execute(select(ingress_generation.c.generation))).scalar_one())
