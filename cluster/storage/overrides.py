"""What operators switched off and on for a while: every word is kept, the newest one about a camera's field holds."""

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cluster.safety.redaction import redact
from cluster.storage.tables import overrides
from cluster.storage.transactions import Transactions

ALL_CAMERAS = "*"
_LONGEST_TEXT = 200


class OverrideField(StrEnum):
    """What can be overridden. `muted`: nobody is notified; cameras and events go on."""

    ENABLED = "enabled"
    DETECT = "detect"
    MUTED = "muted"


_OFF_VALUES = {OverrideField.ENABLED: False, OverrideField.DETECT: False, OverrideField.MUTED: True}
"""The value of each field that takes something away from the watching."""


@dataclass(frozen=True, slots=True)
class Override:
    """One word about one field of one camera, or of all (`*`).

    `value` None: a former word is taken back, and the camera's own settings hold. `until` None: no end. Times are
    UTC. `set_by` and `reason` are shown to everybody: they are redacted, and cut at 200 characters.
    """

    camera_id: str
    field: OverrideField
    value: bool | None
    set_by: str
    reason: str = ""
    until: datetime | None = None
    set_at: datetime = dataclasses.field(default_factory=lambda: datetime.now(UTC))

    def holds(self, now: datetime) -> bool:
        return self.value is not None and (self.until is None or now < self.until)

    @property
    def is_off(self) -> bool:
        return self.value is _OFF_VALUES[self.field]


Overrides = Collection[Override]


def effective(newest: Overrides, camera_id: str, now: datetime) -> Mapping[OverrideField, Override]:
    """What holds for `camera_id` now, of the newest words.

    A word that has expired is as good as none, and no older one comes back: what ended by the clock must never leave
    a zone blind. Of a camera's own word and that for all, the one that switches off wins.
    """
    found: dict[OverrideField, Override] = {}
    for one in newest:
        if one.camera_id not in (camera_id, ALL_CAMERAS) or not one.holds(now):
            continue
        other = found.get(one.field)
        if other is None or (one.is_off, one.camera_id != ALL_CAMERAS) > (other.is_off, other.camera_id != ALL_CAMERAS):
            found[one.field] = one
    return found


async def mutes_of(connection: AsyncConnection, camera_id: str, now: datetime) -> list[datetime | None]:
    """Until when there is to be quiet about a camera, of its own word and that for all; None: without an end."""
    last = (
        select(func.max(overrides.c.number))
        .where(overrides.c.field == OverrideField.MUTED.value, overrides.c.camera_id.in_((camera_id, ALL_CAMERAS)))
        .group_by(overrides.c.camera_id)
    )
    rows = await connection.execute(select(overrides).where(overrides.c.number.in_(last)))
    words = [one for row in rows if (one := _override(row)) is not None]
    return [one.until for one in words if one.is_off and one.holds(now)]


async def end_words(connection: AsyncConnection, camera_id: str, set_by: str, reason: str, now: datetime) -> None:
    """Takes back what was said of `camera_id`, of fields that this release does not know too; what was said of all
    cameras stays. In the transaction in which the camera comes or goes: no word waits for the next of its name."""
    last = select(func.max(overrides.c.number)).where(overrides.c.camera_id == camera_id).group_by(overrides.c.field)
    query = select(overrides.c.field).where(overrides.c.number.in_(last), overrides.c.value.is_not(None))
    said = {"camera_id": camera_id, "value": None, "until": None, "set_at": now}
    taken_back = [
        {**said, "field": row.field, "set_by": _public(set_by), "reason": _public(reason)}
        for row in (await connection.execute(query)).all()
    ]
    if taken_back:
        await connection.execute(insert(overrides), taken_back)


class OverrideStore:
    """Append-only: who switched what, when and why can always be read. Faults as in `EventStore`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._transactions = Transactions(engine)

    async def put(self, override: Override) -> None:
        """Says `override`, which holds from now on."""
        values = {
            "camera_id": override.camera_id,
            "field": override.field.value,
            "value": override.value,
            "until": override.until,
            "reason": _public(override.reason),
            "set_by": _public(override.set_by),
            "set_at": override.set_at,
        }

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(insert(overrides), values)

        await self._transactions.write(work)

    async def clear(self, camera_id: str, field: OverrideField, set_by: str, reason: str = "") -> None:
        """Takes back what was said of `camera_id` (`*`: of all; what was said of single ones stays)."""
        await self.put(Override(camera_id, field, None, set_by, reason))

    async def newest(self) -> list[Override]:
        """The last word about each camera and field, expired and taken back ones included; see `effective`."""
        last = select(func.max(overrides.c.number)).group_by(overrides.c.camera_id, overrides.c.field)
        query = select(overrides).where(overrides.c.number.in_(last)).order_by(overrides.c.number)
        return await self._read(query)

    async def current(self, now: datetime) -> list[Override]:
        """Of `newest`, what holds at `now`."""
        return [one for one in await self.newest() if one.holds(now)]

    async def history(self, camera_id: str | None = None, limit: int = 100) -> list[Override]:
        """At most `limit` words, the newest first; None: about any camera."""
        query = select(overrides).order_by(overrides.c.number.desc()).limit(limit)
        if camera_id is not None:
            query = query.where(overrides.c.camera_id == camera_id)
        return await self._read(query)

    async def _read(self, query: Any) -> list[Override]:
        async def work(connection: AsyncConnection) -> list[Override]:
            rows = (await connection.execute(query)).all()
            return [one for row in rows if (one := _override(row)) is not None]

        return await self._transactions.read(work)


def _override(row: Row[Any]) -> Override | None:
    """None: a field of a newer release, which this one does not know how to obey."""
    if row.field not in list(OverrideField):
        return None
    return Override(
        camera_id=row.camera_id,
        field=OverrideField(row.field),
        value=row.value,
        set_by=row.set_by,
        reason=row.reason,
        until=row.until,
        set_at=row.set_at,
    )


def _public(text: str) -> str:
    return redact(" ".join(text.replace("\x00", "").split()))[:_LONGEST_TEXT]
