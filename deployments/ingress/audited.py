"""Writes the audit for routes: before something is looked at, or after something was done."""

import asyncio
from dataclasses import asdict

import structlog

from cluster.accounts.audit import AuditEntry, AuditLog
from cluster.safety.errors import DatabaseUnavailable
from cluster.safety.redaction import redact
from deployments.ingress.event_reading import answered

_log = structlog.get_logger()


class Audited:
    """Bounds each entry in time, in seconds."""

    def __init__(self, audit: AuditLog, deadline_s: float) -> None:
        self._audit, self._deadline_s = audit, deadline_s

    async def first(self, said: AuditEntry) -> None:
        """Before who asks has anything.

        Raises:
            DatabaseUnavailable: it was not kept; he is to have nothing.
        """
        await answered(self._audit.record(said), self._deadline_s)

    async def done(self, said: AuditEntry) -> None:
        """What is done is done, and "not available" would be a wrong answer: where the table does not take it, the
        log has all of it."""
        try:
            await self.first(said)
        except DatabaseUnavailable as error:
            _say_lost(said, str(error))
        except asyncio.CancelledError:
            # Who asked has hung up between the change and this.
            _say_lost(said, "the request was given up")
            raise


def _say_lost(said: AuditEntry, reason: str) -> None:
    content = {name: redact(str(value)) for name, value in asdict(said).items()}
    _log.critical("audit_lost", reason=reason, **content)
