"""`/api/v1/events/statistics`: how many events there were, for a chart."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from cluster.storage.records import EventFilter
from cluster.storage.statistics import StatisticsBy
from deployments.ingress.answers import EventStatistics
from deployments.ingress.documented import Documented, documented
from deployments.ingress.documents import instant
from deployments.ingress.event_filters import FILTERS, read_filters
from deployments.ingress.event_reading import answered
from deployments.ingress.limits import Limits
from deployments.ingress.problems import Problem
from deployments.ingress.queries import one_of
from deployments.ingress.services import EventReader

_NO_STORE = {"Cache-Control": "no-store"}
_BY = {"by": one_of([each.value for each in StatisticsBy])}
_USUAL = {StatisticsBy.HOUR: timedelta(days=1)}
_USUAL_OTHERWISE = timedelta(days=30)


class StatisticsRoutes:
    """Has the database count; `zone` is the site's."""

    def __init__(self, events: EventReader, zone: ZoneInfo, limits: Limits) -> None:
        self._events, self._zone, self._limits = events, zone, limits

    def routes(self) -> list[BaseRoute]:
        return [
            documented(
                "/api/v1/events/statistics",
                self.statistics,
                Documented(
                    tag="events",
                    summary="Events by hour, day, type or camera",
                    answer=EventStatistics,
                    query={**_BY, **FILTERS},
                    refusals=(400,),
                ),
            )
        ]

    async def statistics(self, request: Request) -> Response:
        """Without times the last day by hour, otherwise the last 30 days. Days are those of the site's zone; the key of
        an hour is its beginning in UTC."""
        wanted, given = read_filters(request, _BY)
        by = StatisticsBy(given.get("by", StatisticsBy.HOUR.value))
        wanted = _with_span(wanted, by, datetime.now(UTC))
        try:
            buckets = await answered(self._events.statistics(wanted, by, self._zone), self._limits.call_deadline_s)
        except ValueError as error:
            raise Problem(400, str(error), field="opened_after", reason=str(error)) from error
        document = {
            "by": by.value,
            "time_zone": self._zone.key,
            "opened_after": instant(wanted.opened_after),
            "opened_before": instant(wanted.opened_before),
            "buckets": [
                {"key": one.key, "type": one.event_type, "severity": one.severity.value, "count": one.count}
                for one in buckets
            ],
        }
        return JSONResponse(document, headers=_NO_STORE)


def _with_span(wanted: EventFilter, by: StatisticsBy, now: datetime) -> EventFilter:
    """A span with both ends; one that was left out is the usual one."""
    usual = _USUAL.get(by, _USUAL_OTHERWISE)
    before = wanted.opened_before or max(now, wanted.opened_after or now) + timedelta(seconds=1)
    try:
        after = wanted.opened_after or before - usual
    except OverflowError:
        after = before
    return replace(wanted, opened_after=after, opened_before=before)
