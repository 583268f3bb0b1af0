"""`/health`, `/health/live`, `/health/ready`: for people, supervisors of processes, and load balancers."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from deployments.ingress.answers import HealthAnswer, LiveAnswer, ReadyAnswer
from deployments.ingress.documented import Documented, documented
from deployments.ingress.health import HealthBoard, HealthStatus

_HEALTH = Documented("health", "What the whole is worth", HealthAnswer, others={503: HealthAnswer})
_LIVE = Documented("health", "Whether this process answers", LiveAnswer)
_READY = Documented("health", "Whether there is anything to show", ReadyAnswer, others={503: ReadyAnswer})
_NO_STORE = {"Cache-Control": "no-store"}


class HealthRoutes:
    """Answers from a `HealthBoard`; needs no place among the live streams."""

    def __init__(self, board: HealthBoard, release: str) -> None:
        self._board, self._release = board, release

    def routes(self) -> list[BaseRoute]:
        return [
            documented("/health", self.health, _HEALTH),
            documented("/health/live", self.live, _LIVE),
            documented("/health/ready", self.ready, _READY),
        ]

    async def health(self, _: Request) -> Response:
        """200 `ok` or `degraded`, 503 `down`."""
        health = await self._board.look()
        status = 503 if health.status is HealthStatus.DOWN else 200
        return JSONResponse(health.document(self._release), status, _NO_STORE)

    async def live(self, _: Request) -> Response:
        """200 as long as this process answers at all."""
        return JSONResponse({"status": "ok", "release": self._release}, headers=_NO_STORE)

    async def ready(self, _: Request) -> Response:
        """200 if the supervisor of the cameras can be reached: without it there is nothing to show."""
        part = await self._board.supervisor_answers()
        ready = part.status is HealthStatus.OK
        document = {"status": "ok" if ready else "down", "reason": part.reason, "release": self._release}
        return JSONResponse(document, 200 if ready else 503, _NO_STORE)
