"""Which events somebody asks for, out of query parameters; those of cameras that he may not see are none of them."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import HTTPConnection

from cluster.storage.records import EventFilter
from deployments.ingress import queries
from deployments.ingress.access import principal_of
from deployments.ingress.problems import wrong_parameter
from deployments.ingress.queries import Reader

FILTERS: Final[Mapping[str, Reader]] = {
    "camera_id": queries.camera_id,
    "zone_id": queries.short_text,
    "event_type": queries.event_type,
    "severity": queries.severity,
    "state": queries.state,
    "acknowledged": queries.yes_or_no,
    "opened_after": queries.moment,
    "opened_before": queries.moment,
}


def read_filters(connection: HTTPConnection, others: Mapping[str, Reader]) -> tuple[EventFilter, dict[str, Any]]:
    """The filter of the request, narrowed to what its principal sees, and the parameters of `others` that were given.

    Raises:
        Problem: 400, naming the first wrong parameter, its value and the reason.
    """
    query = queries.read_query(connection, {**FILTERS, **others})
    after, before = query.get("opened_after"), query.get("opened_before")
    if after is not None and before is not None and after >= before:
        text = connection.query_params["opened_after"]
        raise wrong_parameter(connection, "opened_after", text, "is not earlier than opened_before")
    given = {name: query.pop(name) for name in list(query) if name in others}
    return EventFilter(**query, cameras=principal_of(connection).cameras), given
