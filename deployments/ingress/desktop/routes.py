"""Every call of the desktop client, below `/legacy/{token}`."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from cluster.safety.errors import DatabaseUnavailable
from cluster.settings.desktop_client import DesktopClientSettings
from deployments.ingress.desktop.camera_calls import CameraCalls, camera_named
from deployments.ingress.desktop.event_calls import EventCalls
from deployments.ingress.desktop.event_socket import EventSocket
from deployments.ingress.desktop.gate import Call, Caller, Gate, TokenReader, refusal
from deployments.ingress.desktop.numbers import Numbers
from deployments.ingress.desktop.resuming import Resuming, client_of
from deployments.ingress.desktop.stream_socket import StreamSocket
from deployments.ingress.desktop.zone_calls import ZoneCalls
from deployments.ingress.live import Live
from deployments.ingress.problems import Problem
from deployments.ingress.services import NumberStore, PositionKeeper, Services
from deployments.ingress.sockets import SIGN_IN, TRY_AGAIN_LATER, UNKNOWN_CAMERA, CloseSocket
from deployments.ingress.welcome import Options, welcome

PREFIX = "/legacy/{token}"


def desktop_routes(services: Services, live: Live) -> list[BaseRoute]:
    """None where the site does not serve this client."""
    if services.numbers is None or not services.desktop.enabled:
        return []
    return DesktopRoutes(live, services.accounts, services.numbers, services.positions, services.desktop).routes()


class DesktopRoutes:
    """Trailing slashes are as the client writes them; the other spelling is answered alike."""

    def __init__(
        self,
        live: Live,
        tokens: TokenReader | None,
        numbers: NumberStore,
        positions: PositionKeeper | None,
        settings: DesktopClientSettings,
    ) -> None:
        self._live, self._positions, self._settings = live, positions, settings
        self._gate = Gate(tokens, Numbers(numbers))

    def routes(self) -> list[BaseRoute]:
        cameras, zones, events = CameraCalls(self._live, self._settings), ZoneCalls(self._settings), EventCalls()
        return [
            *self._at("GET", "/health", _health),
            *self._at("GET", "/api/config", _config),
            *self._at("GET", "/api/cameras", cameras.all),
            *self._at("POST", "/api/cameras", cameras.create),
            *self._at("GET", "/api/cameras/{id:int}", cameras.one),
            *self._at("PUT", "/api/cameras/{id:int}", cameras.change),
            *self._at("DELETE", "/api/cameras/{id:int}", cameras.delete),
            *self._at("GET", "/api/rois", zones.all),
            *self._at("POST", "/api/rois", zones.create),
            *self._at("PUT", "/api/rois/{id:int}", zones.change),
            *self._at("DELETE", "/api/rois/{id:int}", zones.delete),
            *self._at("GET", "/api/events", events.all),
            *self._at("GET", "/api/events/unacknowledged", events.unacknowledged),
            *self._at("GET", "/api/events/recent", events.recent),
            *self._at("GET", "/api/events/statistics", events.statistics),
            *self._at("POST", "/api/events/acknowledge-all", events.acknowledge_all),
            *self._at("POST", "/api/events/{id:int}/acknowledge", events.acknowledge),
            *self._at("GET", "/api/events/{id:int}/snapshot", events.snapshot),
            *self._at("GET", "/api/stream/{id:int}/snapshot", cameras.snapshot),
            *self._at("GET", "/api/stream/{id:int}/info", cameras.info),
            Route(PREFIX + "/{path:path}", _nothing, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
            WebSocketRoute(PREFIX + "/ws/stream/{id:int}", self.stream),
            WebSocketRoute(PREFIX + "/ws/events", self.events),
        ]

    async def stream(self, websocket: WebSocket) -> None:
        async def serve(caller: Caller, options: Options) -> None:
            try:
                camera_id = await camera_named(caller, websocket.path_params["id"])
                await caller.api.get(f"/cameras/{camera_id}")
            except Problem as problem:
                code = UNKNOWN_CAMERA if problem.status == 404 else TRY_AGAIN_LATER
                raise CloseSocket(code, problem.detail) from problem
            await StreamSocket(websocket, caller, self._live, self._settings, camera_id).serve(options)

        await self._welcome(websocket, serve)

    async def events(self, websocket: WebSocket) -> None:
        async def serve(caller: Caller, options: Options) -> None:
            resuming = Resuming(self._positions, client_of(websocket))
            await EventSocket(websocket, caller, self._live, resuming).serve(options)

        await self._welcome(websocket, serve)

    def _at(self, method: str, path: str, call: Call) -> list[BaseRoute]:
        endpoint = self._gate.open(call)
        return [Route(PREFIX + path + end, endpoint, methods=[method]) for end in ("", "/")]

    async def _welcome(self, websocket: WebSocket, serve: Any) -> None:
        try:
            caller = await self._gate.caller(websocket)
        except Problem as problem:
            return await websocket.close(SIGN_IN, problem.detail)
        except DatabaseUnavailable:
            return await websocket.close(TRY_AGAIN_LATER, "the database does not answer")

        async def served(options: Options) -> None:
            try:
                await serve(caller, options)
            except DatabaseUnavailable as error:
                raise CloseSocket(TRY_AGAIN_LATER, str(error)) from error

        return await welcome(websocket, self._live, {}, served)


async def _health(caller: Caller, _request: Request) -> Any:
    """As `/health` says it; `status` is `ok`, `degraded` or `down`."""
    return await caller.api.health()


async def _config(caller: Caller, _request: Request) -> Any:
    """What a client of this server may want to know before it begins."""
    return {"server": "SAFE-YOLO", "role": caller.principal.role.value, "severities": ["INFO", "WARNING", "CRITICAL"]}


async def _nothing(_request: Request) -> Response:
    return refusal(404, "Not Found")
