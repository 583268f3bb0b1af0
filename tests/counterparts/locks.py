"""Waiting until somebody waits: how tests put two transactions in an order."""

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # sqlalchemy is for those tests only that need a database
    from sqlalchemy.ext.asyncio import AsyncEngine

_BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def somebody_waits_for_a_lock(engine: "AsyncEngine") -> None:
    """Returns when a transaction of this PostgreSQL database is held up by another's lock."""
    from sqlalchemy import text

    async def blocked() -> bool:
        async with engine.connect() as connection:  # what it says is frozen for a transaction
            return bool((await connection.execute(text(_BLOCKED))).scalar_one())

    async with asyncio.timeout(30):
        while not await blocked():  # noqa: ASYNC110 - the server is asked, it tells nobody
            await asyncio.sleep(0.02)
