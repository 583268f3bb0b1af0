"""Puts routes and middleware together. Knows no Ray: what the routes ask comes in as `Services`."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware

from deployments.ingress.acknowledge_routes import AcknowledgeRoutes
from deployments.ingress.camera_routes import CameraRoutes
from deployments.ingress.event_routes import EventRoutes
from deployments.ingress.health import HealthBoard
from deployments.ingress.health_routes import HealthRoutes
from deployments.ingress.limits import Limits
from deployments.ingress.live import Live
from deployments.ingress.metrics_routes import MetricsRoutes
from deployments.ingress.middleware import BoundedBody, FaultBorder, KnownHost, RequestId, SecurityHeaders
from deployments.ingress.page import page_routes
from deployments.ingress.problems import EXCEPTION_HANDLERS
from deployments.ingress.services import Services

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def create_app(
    services: Services,
    *,
    release: str = "",
    limits: Limits | None = None,
    hosts: Sequence[str] = LOOPBACK,
    echo_request_id: bool = True,
    close_engine: Callable[[], Awaitable[None]] | None = None,
) -> FastAPI:
    """The whole ingress as one ASGI application; `app.state.live` is what must be stopped, which its lifespan does.

    `hosts`: names in the Host header that are served, "*" for all. `echo_request_id`: off behind the Serve
    proxy, which says X-Request-ID itself. `close_engine`: called last when the application stops.
    """
    limits = limits or Limits()
    live = Live(services, limits)
    app = FastAPI(
        title="SAFE-YOLO",
        version=release,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        routes=[
            *HealthRoutes(HealthBoard(services, limits), release).routes(),
            *MetricsRoutes(services.pages).routes(),
            *CameraRoutes(services.cameras, live).routes(),
            *EventRoutes(services.events, services.messages, services.snapshots, live).routes(),
            *AcknowledgeRoutes(services.events, services.links, limits).routes(),
            *page_routes(),
        ],
        middleware=[
            Middleware(RequestId, echo=echo_request_id),
            Middleware(SecurityHeaders),
            Middleware(FaultBorder),
            Middleware(KnownHost, hosts=hosts),
            Middleware(BoundedBody, limit=limits.request_body_bytes),
        ],
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=_lifespan,
    )
    app.state.live, app.state.close_engine = live, close_engine
    return app


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    yield
    await app.state.live.stop()
    if app.state.close_engine is not None:
        await app.state.close_engine()
