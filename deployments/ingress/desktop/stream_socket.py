"""`/ws/stream/{camera_id}` of the desktop client: frames as base64 in JSON, between its start and its stop."""

import asyncio
import base64
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from starlette.websockets import WebSocket

from cluster.safety.errors import DatabaseUnavailable
from cluster.safety.pictures import LivePicture
from cluster.settings.desktop_client import DesktopClientSettings
from cluster.storage.whole_numbers import NumberKind, WholeNumber
from deployments.ingress.blindness import is_blind
from deployments.ingress.cards import card_jpeg, card_size
from deployments.ingress.desktop.documents import Size, detection_of, size_of, zone_of
from deployments.ingress.desktop.event_calls import numbered
from deployments.ingress.desktop.event_feed import EventFeed
from deployments.ingress.desktop.gate import Caller
from deployments.ingress.desktop.numbers import zone_name
from deployments.ingress.documents import event_document
from deployments.ingress.live import Live
from deployments.ingress.pace import Pace
from deployments.ingress.pullers import Puller, Shown
from deployments.ingress.sockets import TOO_SLOW, CloseSocket, hold, receive_object, within


class StreamSocket:
    """One viewer of `camera_id`. A blind camera is shown as a card that says so, never as its last frame.

    This client acknowledges nothing. What waits for one that stands still is bounded by the pings of the server that
    holds the connection, which closes it after 40 s, and by `fps`.
    """

    def __init__(
        self, websocket: WebSocket, caller: Caller, live: Live, settings: DesktopClientSettings, camera_id: str
    ) -> None:
        self._websocket, self._caller, self._live, self._settings = websocket, caller, live, settings
        self._camera_id = camera_id
        self._feed = EventFeed(live.changes, caller.principal, datetime.now(UTC), camera_id)
        self._started = asyncio.Event()
        self._metadata_due = False
        self._pace = Pace()

    async def serve(self, _options: Any) -> None:
        live, settings = self._live, self._settings
        async with live.pullers.watch(self._camera_id, settings.profile, settings.fps) as puller:
            with live.changes.followed():
                await hold(self._websocket, live.stopping, live.limits, self.send(puller), self.receive())

    async def send(self, puller: Puller) -> None:
        """Frames while it is started; a blind camera says so again and again."""
        shown: Shown | None = None
        while True:
            await self._started.wait()
            await asyncio.sleep(self._pace.wait_s(time.monotonic()))
            newer = await puller.newer_than(shown.number if shown else 0, self._live.limits.repeat_status_s)
            if newer is None and (shown is None or not is_blind(shown.picture)):
                continue
            was_blind = shown is not None and is_blind(shown.picture)
            shown = newer or shown
            if shown is not None and self._started.is_set():
                await self._show(shown.picture, was_blind=was_blind)

    async def receive(self) -> None:
        while True:
            message = await receive_object(self._websocket, self._live.limits)
            action = message.get("action")
            if action == "start":
                self._metadata_due = True
                self._started.set()
            elif action == "stop":
                self._started.clear()
            elif action == "seek":
                await self._say_error("every source is live here: there is nothing to seek in")
            elif action != "reload_rois":  # zones come with each frame as they are at that moment
                await self._say_error(f"unknown action {str(action)[:40]!r}")

    async def _show(self, picture: LivePicture, *, was_blind: bool) -> None:
        self._pace.taken(time.monotonic(), self._settings.fps)
        blind, reason = is_blind(picture), f"{picture.status}: {picture.reason}"
        if blind:
            picture = await self._card(picture)
        camera = await self._caller.numbers.one(NumberKind.CAMERA, self._camera_id)
        if self._metadata_due:
            self._metadata_due = False
            await self._say_metadata(camera, picture)
        if blind and not was_blind:
            await self._say_error(reason)
        await self._say(await self._frame(camera, picture))

    async def _card(self, picture: LivePicture) -> LivePicture:
        jpeg = await asyncio.to_thread(card_jpeg, picture, self._settings.profile)
        width, height = card_size(self._settings.profile)
        return replace(picture, jpeg=jpeg, width=width, height=height, objects=(), objects_sequence=0, zones=())

    async def _say_metadata(self, camera: WholeNumber, picture: LivePicture) -> None:
        report = (await self._caller.api.get(f"/cameras/{self._camera_id}")).document
        width, height = self._size(report, picture)
        numbers = {"width": width, "height": height, "fps": report["capture_fps"]}
        ends = {"total_frames": 0, "total_duration_ms": 0}
        await self._say({"type": "metadata", "camera_id": camera.number, **numbers, **ends})

    def _size(self, report: Mapping[str, Any], picture: LivePicture) -> Size:
        """A card has a size of its own: zones are in that of the camera's pictures, if anybody has seen one."""
        known = size_of(report, self._settings.profile)
        return known if all(known) else (picture.width, picture.height)

    async def _frame(self, camera: WholeNumber, picture: LivePicture) -> dict[str, Any]:
        names = {zone.zone_id: zone_name(self._camera_id, zone.zone_id) for zone in picture.zones}
        numbers = await self._caller.numbers.of(NumberKind.ZONE, list(names.values()))
        zones = [(numbers[names[zone.zone_id]], zone) for zone in picture.zones]
        size = (picture.width, picture.height)
        return {
            "type": "frame",
            "camera_id": camera.number,
            "frame": base64.b64encode(picture.jpeg).decode(),
            "current_ms": 0,
            "total_ms": 0,
            "detection": detection_of(picture),
            "events": await self._events(),
            "rois": [zone_of(number, camera, _as_document(zone), size) for number, zone in zones],
            "roi_metrics": {str(number.number): {"occupied": zone.occupied} for number, zone in zones},
        }

    async def _events(self) -> list[dict[str, Any]]:
        """What came since the last frame; while the database is away it waits for a later one."""
        events = [event_document(stored) for stored in reversed(await self._feed.untold())]
        try:
            documents = await numbered(self._caller.numbers, events) if events else []
        except DatabaseUnavailable:
            return []
        self._feed.told()
        return documents

    async def _say_error(self, message: str) -> None:
        await self._say({"type": "error", "message": message})

    async def _say(self, message: dict[str, Any]) -> None:
        limit_s = self._live.limits.acknowledge_within_s
        too_slow = CloseSocket(TOO_SLOW, f"took no message for {limit_s:g} s")
        await within(limit_s, self._websocket.send_json(message), too_slow)


def _as_document(zone: Any) -> dict[str, Any]:
    return {"zone_id": zone.zone_id, "name": zone.name, "kind": str(zone.kind), "polygon": zone.polygon}
