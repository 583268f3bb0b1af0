"""A camera as multipart/x-mixed-replace, for viewers that can show nothing else."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

from starlette.requests import HTTPConnection
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from cluster.safety.pictures import LivePicture, PictureProfile
from deployments.ingress.access import principal_of
from deployments.ingress.blindness import is_blind
from deployments.ingress.cards import card_jpeg
from deployments.ingress.limits import Limits
from deployments.ingress.live import Live
from deployments.ingress.places import NoPlace
from deployments.ingress.problems import Problem
from deployments.ingress.pullers import Puller, Shown
from deployments.ingress.standing import Again, Standing, standing_of

BOUNDARY = "safe-yolo-frame"


class MjpegStream:
    """The parts of one stream. A blind camera is shown as a card that says so, never as its last frame.

    Ends after `mjpeg_age_s` or `mjpeg_bytes`, when the ingress stops, and when `standing` holds no more. There is no
    acknowledgement in this format, so that nothing else bounds what waits for a viewer that stands still.
    """

    def __init__(
        self,
        puller: Puller,
        profile: PictureProfile,
        stopping: asyncio.Event,
        limits: Limits,
        standing: Standing | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._puller, self._profile, self._stopping = puller, profile, stopping
        self._limits, self._clock = limits, clock
        self._right = Again(standing, limits.prove_every_s, clock)

    async def parts(self) -> AsyncIterator[bytes]:
        end_s = self._clock() + self._limits.mjpeg_age_s
        left_bytes = self._limits.mjpeg_bytes
        shown: Shown | None = None
        while self._clock() < end_s and left_bytes > 0 and await self._goes_on():
            newer = await self._puller.newer_than(shown.number if shown else 0, self._limits.repeat_status_s)
            if newer is None and (shown is None or not is_blind(shown.picture)):
                continue
            shown = newer or shown
            assert shown is not None  # noqa: S101 - for the type checker, the line above says it
            part = await self._part(shown.picture)
            left_bytes -= len(part)
            yield part

    async def _goes_on(self) -> bool:
        return not self._stopping.is_set() and await self._right.holds()

    async def _part(self, picture: LivePicture) -> bytes:
        jpeg = picture.jpeg
        if is_blind(picture):
            jpeg = await asyncio.to_thread(card_jpeg, picture, self._profile)
        head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
        return head.encode() + jpeg + b"\r\n"


class MjpegResponse(StreamingResponse):
    """Takes a place and a puller for as long as it runs, and gives them back however it ends."""

    def __init__(self, camera_id: str, profile: PictureProfile, live: Live) -> None:
        super().__init__((), media_type=f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        self.headers["Cache-Control"] = "no-store"
        self._camera_id, self._profile, self._live = camera_id, profile, live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        live, connection = self._live, HTTPConnection(scope)
        try:
            with live.places.take_stream(principal_of(connection)):
                async with live.pullers.watch(self._camera_id, self._profile, live.limits.mjpeg_fps) as puller:
                    stream = MjpegStream(puller, self._profile, live.stopping, live.limits, standing_of(connection))
                    self.body_iterator = stream.parts()
                    await super().__call__(scope, receive, send)
        except NoPlace as error:
            raise Problem(503, f"{error}, try again later") from error
