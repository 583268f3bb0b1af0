"""Puts routes and middleware together. Knows no Ray: what the routes ask comes in as `Services`."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware

from cluster.accounts.accounts import Accounts
from cluster.accounts.first_admin import first_admin_of
from deployments.ingress.acknowledge_routes import AcknowledgeRoutes
from deployments.ingress.audited import Audited
from deployments.ingress.bounded_body import BoundedBody
from deployments.ingress.camera_routes import CameraRoutes
from deployments.ingress.client_log_routes import ClientLogRoutes
from deployments.ingress.desktop.routes import desktop_routes
from deployments.ingress.docs_page import docs_routes
from deployments.ingress.event_export import ExportRoutes
from deployments.ingress.event_pictures import PictureRoutes
from deployments.ingress.event_routes import EventRoutes
from deployments.ingress.event_statistics import StatisticsRoutes
from deployments.ingress.health import HealthBoard
from deployments.ingress.health_routes import HealthRoutes
from deployments.ingress.limits import Limits
from deployments.ingress.live import Live
from deployments.ingress.metrics_routes import MetricsRoutes
from deployments.ingress.middleware import FaultBorder, KnownHost, RequestId, SecurityHeaders
from deployments.ingress.model_routes import ModelRoutes
from deployments.ingress.openapi import OpenApiRoute
from deployments.ingress.page import page_routes
from deployments.ingress.problems import EXCEPTION_HANDLERS
from deployments.ingress.services import Services
from deployments.ingress.session_routes import SessionRoutes
from deployments.ingress.setup_routes import setup_routes
from deployments.ingress.sign_in import SignIn
from deployments.ingress.succession import Succession
from deployments.ingress.system_routes import SystemRoutes
from deployments.ingress.token_routes import TokenRoutes
from deployments.ingress.user_routes import UserRoutes

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

    `hosts`: names in the Host header that are served, "*" for all (with sign-in only). `echo_request_id`: off behind
    the Serve proxy, which says X-Request-ID itself. `close_engine`: called last when the application stops.
    """
    limits = limits or Limits()
    live, board = Live(services, limits), HealthBoard(services, limits)
    audited = Audited(services.audit, limits.call_deadline_s)
    app = FastAPI(
        title="SAFE-YOLO",
        version=release,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        routes=[
            *HealthRoutes(board, release, services.accounts, limits).routes(),
            *MetricsRoutes(services.pages).routes(),
            *CameraRoutes(services.cameras, live).routes(),
            *setup_routes(services, audited, limits),
            # Before the routes of one event, whose id could be "export".
            *StatisticsRoutes(services.events, services.zone, limits).routes(),
            *ExportRoutes(services, limits).routes(),
            *EventRoutes(services, live).routes(),
            *PictureRoutes(services, audited, limits).routes(),
            *AcknowledgeRoutes(services, audited, limits).routes(),
            *SessionRoutes(services.accounts, audited).router().routes,
            *UserRoutes(services.accounts, audited).router().routes,
            *TokenRoutes(services.accounts, audited, services.audit).router().routes,
            *ClientLogRoutes(limits).router().routes,
            *ModelRoutes(services.files, services.detector, audited, limits).routes(),
            *SystemRoutes(services, board, release, limits).routes(),
            *OpenApiRoute(release).routes(),
            *docs_routes(),
            *desktop_routes(services, live),
            *page_routes(services.zone.key),
        ],
        middleware=[
            Middleware(RequestId, echo=echo_request_id),
            Middleware(SecurityHeaders),
            Middleware(FaultBorder),
            Middleware(KnownHost, hosts=_served_names(hosts, services.accounts)),
            Middleware(BoundedBody, limit=limits.request_body_bytes, within_s=limits.body_within_s),
            Middleware(SignIn, accounts=services.accounts),
        ],
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=_lifespan,
    )
    app.state.live, app.state.close_engine, app.state.accounts = live, close_engine, services.accounts
    generations = services.generations
    app.state.succession = Succession(generations, release, live.stopping, limits) if generations else None
    return app


def _served_names(hosts: Sequence[str], accounts: Accounts | None) -> tuple[str, ...]:
    """Where nobody signs in, "*" would let any page of the internet in that gives this machine's address a name of its
    own (DNS rebinding): only names that are written out are served then."""
    if accounts is not None or "*" not in hosts:
        return tuple(hosts)
    return (*LOOPBACK, *(host for host in hosts if host != "*"))


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    accounts: Accounts | None = app.state.accounts
    if accounts is not None:
        await first_admin_of(os.environ, accounts.users, accounts.passwords)
    succession: Succession | None = app.state.succession
    if succession is not None:
        succession.start()
    yield
    if succession is not None:
        await succession.stop()
    await app.state.live.stop()
    if accounts is not None:
        accounts.close()
    if app.state.close_engine is not None:
        await app.state.close_engine()
