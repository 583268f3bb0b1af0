"""Keeps that somebody acknowledged, says it in the log and in the audit."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog
from starlette.requests import Request

from cluster.accounts.principal import PrincipalKind
from cluster.storage.acknowledging import Acknowledgement, AcknowledgeOutcome, AcknowledgeWay
from cluster.storage.records import StoredEvent
from deployments.ingress.access import entry, principal_of
from deployments.ingress.audited import Audited
from deployments.ingress.event_reading import answered
from deployments.ingress.json_bodies import one_line
from deployments.ingress.limits import Limits
from deployments.ingress.problems import Problem
from deployments.ingress.services import EventKeeper

_log = structlog.get_logger()


class Acknowledging:
    """Asks the event store; each question has a deadline."""

    def __init__(self, events: EventKeeper, audit: Audited, limits: Limits) -> None:
        self._events, self.audit, self._limits = events, audit, limits

    async def one(self, said: Acknowledgement) -> AcknowledgeOutcome:
        """What became of it.

        Raises:
            Problem: 404, there is no such event.
            DatabaseUnavailable: no answer; it may be said again.
        """
        outcome = await answered(self._events.acknowledge(said), self._limits.call_deadline_s)
        stored = await self.event(said.event_id)
        _say(said, outcome, stored)
        return outcome

    async def many(self, request: Request, told: Sequence[Acknowledgement]) -> dict[str, str]:
        """The outcome by event id. Each is a transaction of its own, because two that take many rows could
        wait for each other.

        Raises:
            TimeoutError: not all within `bulk_within_s`; said again, those that were kept are `already`.
        """
        outcomes: dict[str, str] = {}
        try:
            async with asyncio.timeout(self._limits.bulk_within_s):
                for said in told:
                    outcomes[said.event_id] = await self._if_shown(request, said)
        finally:
            counts = ", ".join(f"{count} {name}" for name, count in sorted(Counter(outcomes.values()).items()))
            await self.audit.done(entry(request, "event.acknowledge", f"{len(outcomes)} events", counts))
        return outcomes

    async def event(self, event_id: str) -> StoredEvent:
        """The event, whoever may see it.

        Raises:
            Problem: 404.
        """
        stored = await answered(self._events.get(event_id), self._limits.call_deadline_s)
        if stored is None:
            raise Problem(404, f"there is no event {event_id!r}")
        return stored

    async def _if_shown(self, request: Request, said: Acknowledgement) -> str:
        stored = await answered(self._events.get(said.event_id), self._limits.call_deadline_s)
        if stored is None or not principal_of(request).sees(stored.event.camera_id):
            return AcknowledgeOutcome.UNKNOWN.value
        outcome = await answered(self._events.acknowledge(said), self._limits.call_deadline_s)
        _say(said, outcome, stored)
        return outcome.value


def word(request: Request, event_id: str, by: str, remark: str, occurrence: int | None) -> Acknowledgement:
    """What who asks says about an event; `by` is his word for himself, and counts while nobody knows better."""
    principal = principal_of(request)
    known = principal.kind is not PrincipalKind.NOBODY
    return Acknowledgement(
        event_id=event_id,
        by=principal.name if known else one_line(by),
        remark=one_line(remark),
        way=AcknowledgeWay.SIGNED_IN if known else AcknowledgeWay.API,
        at=datetime.now(UTC),
        occurrence=occurrence,
    )


def _say(said: Acknowledgement, outcome: AcknowledgeOutcome, stored: StoredEvent) -> None:
    _log.info(
        "event_acknowledged",
        outcome=outcome.value,
        event_id=said.event_id,
        correlation_id=stored.event.correlation_id,
        camera_id=stored.event.camera_id,
        way=said.way.value,
        by=said.by,
    )
