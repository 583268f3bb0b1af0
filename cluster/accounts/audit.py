"""What is kept about every change, every sign-in, and every look at evidence."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import structlog

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """`who` did `action` (`camera.create`, `snapshot.view`, `sign_in.refused`) to `subject` (an id).

    `detail` is one redacted line and never holds a secret; `address` is the client's. Times are UTC.
    """

    who: str
    action: str
    subject: str = ""
    detail: str = ""
    address: str = ""
    request_id: str = ""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


class AuditLog(Protocol):
    """Keeps entries; raises `DatabaseUnavailable`."""

    async def record(self, entry: AuditEntry, /) -> None: ...


class LoggedAudit:
    """Says entries in the log."""

    async def record(self, entry: AuditEntry, /) -> None:
        _log.info("audited", who=entry.who, action=entry.action, subject=entry.subject, detail=entry.detail)
