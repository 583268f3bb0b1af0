"""Questions to the event store, each with a deadline, and an event as who asks may see it."""

from collections.abc import Awaitable
from typing import TypeVar

from starlette.requests import Request

from cluster.safety.errors import DatabaseUnavailable
from cluster.storage.records import StoredEvent
from deployments.deadlines import bounded
from deployments.ingress import queries
from deployments.ingress.access import principal_of
from deployments.ingress.problems import Problem
from deployments.ingress.services import EventKeeper

Answer = TypeVar("Answer")


async def answered(asking: Awaitable[Answer], deadline_s: float) -> Answer:
    """What the database answers.

    Raises:
        DatabaseUnavailable: also for no answer within `deadline_s`.
    """
    try:
        return await bounded(asking, deadline_s)
    except TimeoutError as error:
        raise DatabaseUnavailable(f"no answer within {deadline_s:g} s") from error


async def shown_event(request: Request, events: EventKeeper, event_id: str, deadline_s: float) -> StoredEvent:
    """The event, if there is one and its camera is shown to who asks.

    Raises:
        Problem: 404; whether it is somewhere else nobody learns.
        DatabaseUnavailable: no answer.
    """
    stored = await answered(events.get(event_id), deadline_s)
    if stored is None or not principal_of(request).sees(stored.event.camera_id):
        raise Problem(404, f"there is no event {event_id!r}")
    return stored


def event_id_of(request: Request) -> str:
    """The id in the path; one that can be none is not found."""
    return queries.checked_path_id(request, "event_id", queries.token, "event")
