"""Sends what the table of messages holds. One replica: the table is the only state, another process goes on with it."""

import asyncio
import os
import random
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog

from cluster.notifications.channels.opening import channel_faults, open_channel
from cluster.notifications.delivery import Delivery
from cluster.notifications.dispatch import Dispatch
from cluster.notifications.lane import Lane
from cluster.notifications.links import usable_links
from cluster.notifications.pacing import Patience
from cluster.notifications.service import NotificationService
from cluster.notifications.snapshots import Snapshots
from cluster.notifications.texts import Composer
from cluster.notifications.writing import Writing
from cluster.settings.load import load_site
from cluster.settings.site import SiteSettings
from cluster.storage.engine import create_engine
from cluster.storage.events import EventStore
from cluster.storage.messages import MessageStore
from cluster.storage.snapshots import open_snapshots
from cluster.telemetry.logs import configure_logs, take_logging
from deployments.cameras.camera_names import CameraNames
from deployments.cameras.pulse import Pulse
from deployments.shared_storage import refuse_another_disk

_log = structlog.get_logger()
_STOP_WITHIN_S = 7.0
"""Less than `graceful_shutdown_timeout_s` in serve_config.yaml: after that Serve ends the process."""


class Notifier:
    """Serve deployment of one replica. A second one, for the moment of a change, does no harm: messages are claimed."""

    _serving = False

    def __init__(self, site_file: str) -> None:
        configure_logs("notifier")
        site = load_site(site_file)
        refuse_another_disk(site)
        for fault in channel_faults(site.notifications.channels):
            # The others are told all the same, and what this one should tell becomes late, and then a dead letter.
            _log.critical("notification_channel_unusable", reason=str(fault))
        self._pulse = Pulse(time.monotonic, "notifier")
        self._names = CameraNames()
        self._service = notification_service(site, self._names.of, self._pulse.beat)
        # Serve makes replicas inside the event loop that they live in.
        self._loops = [asyncio.create_task(loop) for loop in (self._service.run(), self._names.run())]
        self._serving = True

    async def nudge(self) -> None:
        """Something was planned."""
        self._service.nudge()

    async def check_health(self) -> None:
        """A loop that ended or hangs is what another process mends; a channel or database that is away is not."""
        if any(loop.done() for loop in self._loops):
            raise RuntimeError("a loop of the notifier ended")
        if stuck := self._pulse.stuck():
            raise RuntimeError(stuck)

    async def reconfigure(self, user_config: Any) -> None:
        """`logging` is all that can be said here; never raises (Ray would stop the replica)."""
        take_logging(user_config, "serve_config.yaml")

    def __del__(self) -> Any:
        """Serve's way to say that the replica goes; it awaits what it gets. Python's too, which awaits nothing."""
        if not self._serving:
            return None
        self._serving = False
        return self._end()

    async def _end(self) -> None:
        await self._service.stop(_STOP_WITHIN_S)
        for loop in self._loops:
            loop.cancel()


def notification_service(
    site: SiteSettings, camera_name: Callable[[str], str], beat: Callable[[str], None]
) -> NotificationService:
    """All that sends the messages of `site`, on its database and its channels; nothing is opened yet."""
    settings, engine = site.notifications, create_engine(site)
    store, events = MessageStore(engine), EventStore(engine)
    writing = Writing(
        Composer(site.name, site.time_zone), usable_links(settings), settings.page_url, camera_name, _utc_now
    )
    snapshots = Snapshots(events, open_snapshots(site), time.monotonic)
    patience = Patience(settings.give_up_after_s, random.random)
    delivery = Delivery(store, events, snapshots, writing, patience, settings.picture_wait_s)
    lanes = [Lane(channel, open_channel, time.monotonic) for channel in settings.channels]
    dispatch = Dispatch(store, lanes, delivery, f"{os.getpid()}-{uuid.uuid4().hex[:8]}", _utc_now)
    return NotificationService(dispatch, lanes, store, _utc_now, beat)


def _utc_now() -> datetime:
    return datetime.now(UTC)
