"""`/health`, `/health/live`, `/health/ready`: for people, supervisors of processes, and load balancers."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from cluster.accounts.accounts import Accounts
from cluster.safety.errors import DatabaseUnavailable
from deployments.deadlines import bounded
from deployments.ingress.access import principal_of
from deployments.ingress.answers import HealthAnswer, LiveAnswer, ReadyAnswer
from deployments.ingress.credentials import shown
from deployments.ingress.documented import Documented, documented
from deployments.ingress.health import HealthBoard, HealthStatus
from deployments.ingress.limits import Limits

_HEALTH = Documented("health", "What the whole is worth", HealthAnswer, others={503: HealthAnswer})
_LIVE = Documented("health", "Whether this process answers", LiveAnswer)
_READY = Documented("health", "Whether there is anything to show", ReadyAnswer, others={503: ReadyAnswer})
_NO_STORE = {"Cache-Control": "no-store"}


class HealthRoutes:
    """Answers from a `HealthBoard`; needs no place among the live streams. `accounts` None: sign-in is off."""

    def __init__(self, board: HealthBoard, release: str, accounts: Accounts | None, limits: Limits) -> None:
        self._board, self._release = board, release
        self._accounts, self._deadline_s = accounts, limits.health_deadline_s

    def routes(self) -> list[BaseRoute]:
        return [
            documented("/health", self.health, _HEALTH),
            documented("/health/live", self.live, _LIVE),
            documented("/health/ready", self.ready, _READY),
        ]

    async def health(self, request: Request) -> Response:
        """200 `ok` or `degraded`, 503 `down`. Reasons are for who is signed in and sees all cameras."""
        health, is_told = await asyncio.gather(self._board.look(), self._sees_all(request))
        status = 503 if health.status is HealthStatus.DOWN else 200
        document = health.document(self._release) if is_told else health.without_reasons(self._release)
        return JSONResponse(document, status, _NO_STORE)

    async def live(self, _: Request) -> Response:
        """200 as long as this process answers at all."""
        return JSONResponse({"status": "ok", "release": self._release}, headers=_NO_STORE)

    async def ready(self, _: Request) -> Response:
        """200 if the supervisor of the cameras can be reached: without it there is nothing to show."""
        part = await self._board.supervisor_answers()
        ready = part.status is HealthStatus.OK
        document = {"status": "ok" if ready else "down", "reason": part.reason, "release": self._release}
        return JSONResponse(document, 200 if ready else 503, _NO_STORE)

    async def _sees_all(self, request: Request) -> bool:
        """Whoever cannot be looked up in time is a stranger: a probe must not wait for a database that is away."""
        if self._accounts is None:
            return principal_of(request).cameras is None
        try:
            found = await bounded(shown(request, self._accounts), self._deadline_s)
        except (DatabaseUnavailable, TimeoutError):
            return False
        return found is not None and found.principal.cameras is None
