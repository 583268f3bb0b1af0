"""Who owns a camera: the highest epoch that was handed out, or that has written."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cluster.safety.errors import LeaseLost
from cluster.storage.tables import leases
from cluster.storage.transactions import Transactions
from cluster.storage.upsert import insert_into


class LeaseStore:
    """Epochs only rise. Faults as in `EventStore`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._transactions = Transactions(engine)

    async def take(self, camera_id: str, epoch: int) -> None:
        """Makes `epoch` the camera's; taking the same one again changes nothing.

        Raises:
            LeaseLost: the camera has a newer one.
        """
        await self._transactions.write(lambda connection: hold_lease(connection, camera_id, epoch))


async def hold_lease(connection: AsyncConnection, camera_id: str, epoch: int) -> None:
    """Raises the camera's epoch to `epoch`, and locks it to the end of the transaction.

    ON CONFLICT DO UPDATE locks the row even where its condition does not hold, so nobody can take the camera
    between this check and the commit.
    """
    insert = insert_into(connection, leases, {"camera_id": camera_id, "epoch": epoch, "granted_at": datetime.now(UTC)})
    raised = insert.on_conflict_do_update(
        index_elements=[leases.c.camera_id],
        set_={"epoch": insert.excluded.epoch, "granted_at": insert.excluded.granted_at},
        where=leases.c.epoch < insert.excluded.epoch,
    )
    await connection.execute(raised)
    current = (await connection.execute(select(leases.c.epoch).where(leases.c.camera_id == camera_id))).scalar_one()
    if current > epoch:
        raise LeaseLost(camera_id, epoch, current)
