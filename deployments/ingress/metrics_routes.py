"""`GET /metrics`: the whole cluster, for Prometheus; any replica answers the same."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from cluster.telemetry.page import CONTENT_TYPE
from deployments.ingress.documented import TEXT, Documented, documented
from deployments.ingress.services import MetricsPages

_SAID = Documented("health", "The cluster's metrics, for Prometheus", media={"text/plain": TEXT}, refusals=(503,))


class MetricsRoutes:
    """Hands on what the metrics hub has ready."""

    def __init__(self, pages: MetricsPages) -> None:
        self._pages = pages

    def routes(self) -> list[BaseRoute]:
        return [documented("/metrics", self.metrics, _SAID)]

    async def metrics(self, _: Request) -> Response:
        """200 Prometheus' text format 0.0.4; 503 if the hub is not there or has read no node yet."""
        return Response(await self._pages.page(), headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"})
