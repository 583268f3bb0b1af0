"""Cameras that were made through the API."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cluster.safety.errors import CameraChanged
from cluster.settings.cameras import STORED, CameraSettings
from cluster.storage.overrides import end_words
from cluster.storage.sealing import Seal, opened_source, sealed_source
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
    """`seal` encrypts the passwords in addresses (None: there is no key). Faults as in `EventStore`."""

    def __init__(self, engine: AsyncEngine, seal: Seal | None = None) -> None:
        self._transactions, self._seal = Transactions(engine), seal

    async def all(self) -> list[StoredCamera]:
        """Every camera that is not deleted, by id. One that this release cannot read is logged and left out:
        the others must run."""
        rows = await self._rows(select(cameras).where(cameras.c.deleted_at.is_(None)).order_by(cameras.c.camera_id))
        return [camera for row in rows if (camera := _camera(row, self._seal)) is not None]

    async def get(self, camera_id: str) -> StoredCamera | None:
        """None: there is none, or none that this release can read."""
        rows = await self._rows(select(cameras).where(cameras.c.camera_id == camera_id, cameras.c.deleted_at.is_(None)))
        return _camera(rows[0], self._seal) if rows else None

    async def put(self, settings: CameraSettings, expected: int | None = None, by: str = "") -> int:
        """Makes or replaces a camera; returns its new revision. `expected`: the revision that is replaced, 0: none,
        None: whatever there is. `by`: who makes it; what operators said of a former camera of its name ends.

        Raises:
            CameraChanged: there is another revision.
            ConfigError: its address has a password, and there is no key to encrypt it with.
        """
        now = datetime.now(UTC)
        source = sealed_source(self._seal, settings.camera_id, settings.source)
        values = {
            "camera_id": settings.camera_id,
            "settings": {**settings.model_dump(mode="json"), "source": source},
            "revision": 1,
            "created_at": now,
            "updated_at": now,
        }

        async def work(connection: AsyncConnection) -> int:
            if not expected and await _revision(connection, settings.camera_id) is None:
                await end_words(connection, settings.camera_id, by, "the camera was made anew", now)
            if expected:
                query = _update(settings.camera_id, expected, settings=values["settings"], updated_at=now)
            else:
                query = _upsert(connection, values, only_new=expected == 0)
            revision = (await connection.execute(query)).scalar()
            if revision is None:
                raise await _changed(connection, settings.camera_id, expected)
            return int(revision)

        return await self._transactions.write(work)

    async def delete(self, camera_id: str, expected: int | None = None, by: str = "") -> bool:
        """Whether there was one to delete; what operators said of it ends with it, taken back by `by`.

        Raises:
            CameraChanged: there is one, of another revision than `expected`.
        """
        now = datetime.now(UTC)

        async def work(connection: AsyncConnection) -> bool:
            query = _update(camera_id, expected, deleted_at=now, updated_at=now)
            deleted = (await connection.execute(query)).first() is not None
            if deleted:
                await end_words(connection, camera_id, by, "the camera was deleted", now)
            if not deleted and expected is not None and await _revision(connection, camera_id) is not None:
                raise await _changed(connection, camera_id, expected)
            return deleted

        return await self._transactions.write(work)

    async def _rows(self, query: Any) -> list[Row[Any]]:
        async def work(connection: AsyncConnection) -> list[Row[Any]]:
            return list((await connection.execute(query)).all())

        return await self._transactions.read(work)


def _update(camera_id: str, expected: int | None, **values: Any) -> Any:
    """Of a camera that is there, in the revision `expected` (None: any)."""
    query = update(cameras).where(cameras.c.camera_id == camera_id, cameras.c.deleted_at.is_(None))
    if expected is not None:
        query = query.where(cameras.c.revision == expected)
    return query.values(**values, revision=cameras.c.revision + 1).returning(cameras.c.revision)


def _upsert(connection: AsyncConnection, values: dict[str, Any], *, only_new: bool) -> Any:
    """A deleted one comes back, with a revision that goes on."""
    insert = insert_into(connection, cameras, values)
    new = insert.excluded
    changed = {"settings": new.settings, "updated_at": new.updated_at, "deleted_at": None}
    return insert.on_conflict_do_update(
        index_elements=[cameras.c.camera_id],
        set_={**changed, "revision": cameras.c.revision + 1},
        where=cameras.c.deleted_at.is_not(None) if only_new else None,
    ).returning(cameras.c.revision)


async def _revision(connection: AsyncConnection, camera_id: str) -> int | None:
    query = select(cameras.c.revision).where(cameras.c.camera_id == camera_id, cameras.c.deleted_at.is_(None))
    revision: int | None = (await connection.execute(query)).scalar()
    return revision


async def _changed(connection: AsyncConnection, camera_id: str, expected: int | None) -> CameraChanged:
    revision = await _revision(connection, camera_id)
    there_is = "is not there any more" if revision is None else f"is of revision {revision}, not {expected}"
    return CameraChanged(f"camera {camera_id} {there_is}", "read it again")


def _camera(row: Row[Any], seal: Seal | None = None) -> StoredCamera | None:
    source = opened_source(seal, row.camera_id, str(row.settings.get("source", "")))
    settings = {**row.settings, "source": source}
    try:
        return StoredCamera(CameraSettings.model_validate(settings, context={STORED: True}), row.revision)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in fault["loc"])
        log.error("stored_camera_unreadable", camera_id=row.camera_id, key=key, reason=fault["msg"])  # noqa: TRY400
        return None
