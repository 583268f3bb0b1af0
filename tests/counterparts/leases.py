"""What the table of leases holds."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from cluster.storage.tables import leases


async def epochs(engine: AsyncEngine) -> dict[str, int]:
    """The epoch of every camera that ever had one."""
    async with engine.connect() as connection:
        rows = await connection.execute(select(leases.c.camera_id, leases.c.epoch))
        return {row.camera_id: row.epoch for row in rows}
