"""Cameras that were made through the API."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cluster.settings.cameras import STORED, CameraSettings
from cluster.storage.tables import cameras
from cluster.storage.transactions import Transactions
from cluster.storage.upsert import insert_into

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class StoredCamera:
    """`revision` grows with every change, also over a deletion."""

    settings: CameraSettings
    revision: int


class CameraStore:
    """Faults as in `EventStore`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._transactions = Transactions(engine)

    async def all(self) -> list[StoredCamera]:
        """Every camera that is not deleted, by id. One that this release cannot read is logged and left out:
        the others must run."""
        query = select(cameras).where(cameras.c.deleted_at.is_(None)).order_by(cameras.c.camera_id)

        async def work(connection: AsyncConnection) -> list[Row[Any]]:
            return list((await connection.execute(query)).all())

        rows = await self._transactions.read(work)
        return [camera for row in rows if (camera := _camera(row)) is not None]

    async def put(self, settings: CameraSettings) -> int:
        """Makes or replaces a camera; returns its new revision."""
        now = datetime.now(UTC)
        values = {
            "camera_id": settings.camera_id,
            "settings": settings.model_dump(mode="json"),
            "revision": 1,
            "created_at": now,
            "updated_at": now,
        }

        async def work(connection: AsyncConnection) -> int:
            insert = insert_into(connection, cameras, values)
            new = insert.excluded
            changed = {"settings": new.settings, "updated_at": new.updated_at, "deleted_at": None}
            query = insert.on_conflict_do_update(
                index_elements=[cameras.c.camera_id], set_={**changed, "revision": cameras.c.revision + 1}
            ).returning(cameras.c.revision)
            return int((await connection.execute(query)).scalar_one())

        return await self._transactions.write(work)

    async def delete(self, camera_id: str) -> bool:
        """Whether there was one to delete."""
        now = datetime.now(UTC)
        query = (
            update(cameras)
            .where(cameras.c.camera_id == camera_id, cameras.c.deleted_at.is_(None))
            .values(deleted_at=now, updated_at=now, revision=cameras.c.revision + 1)
            .returning(cameras.c.camera_id)
        )

        async def work(connection: AsyncConnection) -> bool:
            return (await connection.execute(query)).first() is not None

        return await self._transactions.write(work)


def _camera(row: Row[Any]) -> StoredCamera | None:
    try:
        return StoredCamera(CameraSettings.model_validate(row.settings, context={STORED: True}), row.revision)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in fault["loc"])
        log.error("stored_camera_unreadable", camera_id=row.camera_id, key=key, reason=fault["msg"])  # noqa: TRY400
        return None
