"""The audit on a table: append-only, read by administrators."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cluster.accounts.audit import AuditEntry, LoggedAudit
from cluster.safety.redaction import redact
from cluster.storage.account_tables import audit
from cluster.storage.transactions import Transactions

_TEXTS = {"who": 100, "action": 60, "subject": 200, "detail": 500, "address": 64, "request_id": 128}
"""The most characters of each."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """None: any. `after` and `before` are moments, the first one included."""

    who: str | None = None
    action: str | None = None
    after: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries, the newest first; `next_cursor` None: this was the last page."""

    entries: Sequence[AuditEntry]
    next_cursor: int | None


class AuditTable:
    """Keeps entries and says them in the log; raises `DatabaseUnavailable`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._transactions = Transactions(engine)
        self._logged = LoggedAudit()

    async def record(self, entry: AuditEntry, /) -> None:
        """Said in the log first: that is what is left where the database is away."""
        values = {name: _public(getattr(entry, name), most) for name, most in _TEXTS.items()}
        await self._logged.record(AuditEntry(**values, at=entry.at))

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(insert(audit), {"at": entry.at, **values})

        await self._transactions.write(work)

    async def list(self, wanted: AuditFilter, cursor: int | None = None, limit: int = 50) -> AuditPage:
        """At most `limit` entries behind `cursor`, which an earlier page gave."""
        query = select(audit).where(*_conditions(wanted)).order_by(audit.c.number.desc()).limit(limit + 1)
        if cursor is not None:
            query = query.where(audit.c.number < cursor)

        async def work(connection: AsyncConnection) -> AuditPage:
            rows = (await connection.execute(query)).all()
            more = rows[limit - 1].number if len(rows) > limit else None
            return AuditPage([_entry(row) for row in rows[:limit]], more)

        return await self._transactions.read(work)


def _conditions(wanted: AuditFilter) -> list[Any]:
    conditions = []
    if wanted.who is not None:
        conditions.append(audit.c.who == wanted.who)
    if wanted.action is not None:
        conditions.append(audit.c.action == wanted.action)
    if wanted.after is not None:
        conditions.append(audit.c.at >= wanted.after)
    if wanted.before is not None:
        conditions.append(audit.c.at < wanted.before)
    return conditions


def _entry(row: Any) -> AuditEntry:
    return AuditEntry(**{name: getattr(row, name) for name in _TEXTS}, at=row.at)


def _public(text: str, most: int) -> str:
    return redact(" ".join(text.replace("\x00", "").split()))[:most]
