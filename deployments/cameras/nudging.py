"""Tells a deployment that there is something new; nothing depends on its hearing it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException

from deployments.deadlines import bounded

_log = structlog.get_logger()
_DEADLINE_S = 2.0


class Nudge:
    """Calling it returns at once. At most one call is on its way: who is nudged looks by itself twice a second."""

    def __init__(self, ask: Callable[[], Awaitable[Any]]) -> None:
        self._ask = ask
        self._on_its_way: asyncio.Task[None] | None = None

    def __call__(self) -> None:
        if self._on_its_way is None or self._on_its_way.done():
            self._on_its_way = asyncio.create_task(self._nudge())

    async def _nudge(self) -> None:
        try:
            await bounded(self._ask(), _DEADLINE_S)
        except (TimeoutError, RayError, RayServeException) as error:
            _log.debug("nudge_not_heard", reason=type(error).__name__)
