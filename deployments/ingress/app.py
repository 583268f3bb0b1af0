"""Builds the application `ingress`."""

from typing import Any
from zoneinfo import ZoneInfo

import ray.serve
from ray.serve import Application
from starlette.applications import Starlette

from cluster.accounts.accounts import open_accounts
from cluster.accounts.audit_log import AuditTable
from cluster.notifications.links import usable_links
from cluster.settings.base import Settings
from cluster.settings.load import SITE_FILE, load_site
from cluster.storage.cameras import CameraStore
from cluster.storage.desktop_positions import DesktopPositionStore
from cluster.storage.engine import create_engine
from cluster.storage.events import EventStore
from cluster.storage.generations import GenerationStore
from cluster.storage.messages import MessageStore
from cluster.storage.overrides import OverrideStore
from cluster.storage.sealing import seal_of
from cluster.storage.snapshots import open_snapshots
from cluster.storage.whole_numbers import WholeNumberStore
from cluster.telemetry.logs import configure_logs, take_logging
from deployments.ingress.alertmanager import Alertmanager
from deployments.ingress.application import LOOPBACK, create_app
from deployments.ingress.camera_setup import CameraSetup
from deployments.ingress.cluster_directory import RayLiveMetrics, ServeCameras, ServeDetector
from deployments.ingress.farewell import HEALTH_CHECK_PERIOD_S, Farewell
from deployments.ingress.metrics_hub import RayMetricsPages
from deployments.ingress.ray_cluster import RayCluster
from deployments.ingress.services import Services
from deployments.ingress.source_trial import SourceTrial
from deployments.shared_storage import actor_options, refuse_another_disk


class IngressArguments(Settings):
    """`args` of the application in serve_config.yaml. A new `release` rolls the code."""

    release: str
    site: str = SITE_FILE
    hosts: tuple[str, ...] = LOOPBACK
    """Names in the Host header that are served, "*" for all."""


class Ingress:
    """Serve deployment: one replica's Starlette application with the real cluster behind it."""

    def __init__(self, arguments: IngressArguments) -> None:
        configure_logs("ingress", release=arguments.release)
        site = load_site(arguments.site)
        refuse_another_disk(site)
        engine = create_engine(site)
        cameras, messages = ServeCameras(), MessageStore(engine)
        services = Services(
            cameras=cameras,
            detector=ServeDetector(),
            events=EventStore(engine),
            snapshots=open_snapshots(site),
            metrics=RayLiveMetrics(),
            pages=RayMetricsPages(),
            messages=messages,
            notifications=site.notifications,
            links=usable_links(site.notifications),
            audit=AuditTable(engine),
            accounts=open_accounts(engine, site, arguments.site),
            zone=ZoneInfo(site.time_zone),
            setup=CameraSetup(
                cameras=CameraStore(engine, seal_of(site)),
                words=OverrideStore(engine),
                quiet=messages,
                directory=cameras,
                trial=SourceTrial(site.api_cameras),
                sources=site.api_cameras,
            ),
            cluster=RayCluster(),
            alarms=Alertmanager(site.alertmanager_url) if site.alertmanager_url else None,
            generations=GenerationStore(engine),
            numbers=WholeNumberStore(engine),
            positions=DesktopPositionStore(engine),
            desktop=site.desktop_client,
        )
        self._starlette = create_app(
            services,
            release=arguments.release,
            hosts=arguments.hosts,
            echo_request_id=False,
            close_engine=engine.dispose,
        )
        self._farewell = Farewell(self._starlette.state.live)

    def __serve_build_asgi_app__(self) -> Starlette:
        return self._starlette

    async def reconfigure(self, user_config: Any) -> None:
        """`logging` is all that can be said here; never raises (Ray would stop the replica)."""
        take_logging(user_config, "serve_config.yaml")

    async def check_health(self) -> None:
        """Serve asks as long as this replica is to stay."""
        self._farewell.asked()

    async def dismiss(self) -> None:
        """Close all sockets with 1012, for an orderly stop of the whole; callers use `handle.broadcast`."""
        await self._starlette.state.live.say_goodbye()


def build(arguments: IngressArguments) -> Application:
    """The application.

    Raises:
        ConfigError: the site's file cannot be used; what runs goes on.
    """
    deployment = ray.serve.deployment(
        name="Ingress",
        health_check_period_s=HEALTH_CHECK_PERIOD_S,
        ray_actor_options=actor_options(load_site(arguments.site)),
    )
    # The application is built in each replica, not pickled here: it holds an engine and locks.
    application: Application = deployment(ray.serve.ingress()(Ingress)).bind(arguments)
    return application
