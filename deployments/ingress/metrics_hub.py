"""The metrics hub as the ingress asks it."""

import asyncio
from typing import Any

import ray
from ray.exceptions import RayError

from cluster.telemetry.hub import HUB_NAME, HUB_NAMESPACE
from deployments.deadlines import bounded
from deployments.ingress.services import Unreachable

_CALL_S = 7.0
"""Below the time that Prometheus gives an answer (`scrape_timeout`, 8 s): what it gets says which node is silent."""


class RayMetricsPages:
    """`MetricsPages` by the hub's actor, which is found when it is first asked and again when it has ended."""

    def __init__(self) -> None:
        self._hub: Any = None

    async def page(self) -> bytes:
        try:
            page: bytes = await bounded(self._ask(), _CALL_S)
        except (TimeoutError, RayError, ValueError) as error:
            self._hub = None
            reason = "no answer in time" if isinstance(error, TimeoutError) else str(error).strip().splitlines()[0]
            raise Unreachable("MetricsHub", reason) from error
        if not page:
            raise Unreachable("MetricsHub", "it has read no node's metrics yet")
        return page

    async def _ask(self) -> bytes:
        if self._hub is None:
            # Asks Ray's head and blocks. ValueError: there is no such actor.
            self._hub = await asyncio.to_thread(ray.get_actor, HUB_NAME, namespace=HUB_NAMESPACE)
        page: bytes = await self._hub.page.remote()
        return page
