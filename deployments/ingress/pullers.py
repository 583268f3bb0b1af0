"""One puller a camera and profile: it asks the camera for the newest picture while somebody watches."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property

import structlog

from cluster.safety.pictures import LivePicture, PictureProfile
from deployments.deadlines import bounded
from deployments.ingress.blindness import SEEING, blind_picture, honest, is_blind
from deployments.ingress.documents import frame_message
from deployments.ingress.limits import Limits
from deployments.ingress.pace import Pace
from deployments.ingress.services import CameraDirectory, Position, Unreachable

log = structlog.get_logger()

_BEGINNING: Position = (0, 0)


@dataclass(frozen=True, eq=False)
class Shown:
    """What a puller holds: the newest picture, and its number among those that this puller had."""

    number: int
    picture: LivePicture

    @cached_property
    def message(self) -> bytes:
        """As sockets send it; made once for all viewers."""
        return frame_message(self.picture)


class Puller:
    """Holds the newest picture of one camera and profile; older ones are gone (latest wins).

    Belongs to one event loop. Viewers come and go with `watch`; each waits for itself with `newer_than`, so
    that a slow one delays nobody. `run` ends by itself when nobody has watched for a while.
    """

    def __init__(
        self,
        camera_id: str,
        profile: PictureProfile,
        cameras: CameraDirectory,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._camera_id, self._profile = camera_id, profile
        self._cameras, self._limits, self._clock = cameras, limits, clock
        self._viewers: list[float] = []
        self._joined = asyncio.Event()
        self._news = asyncio.Event()
        self._shown: Shown | None = None
        self._shown_s = 0.0
        self._number = 0
        self._after = _BEGINNING
        self._pace = Pace()

    @asynccontextmanager
    async def watch(self, fps: float) -> AsyncIterator["Puller"]:
        """Pull for this viewer, at most `fps` pictures a second unless another one wants more."""
        self._viewers.append(fps)
        self._joined.set()
        try:
            yield self
        finally:
            self._viewers.remove(fps)
            if not self._viewers:
                self._joined.clear()
                # What was seen for the last viewer is old news for the next one.
                self._shown, self._after = None, _BEGINNING

    async def newer_than(self, number: int, timeout_s: float) -> Shown | None:
        """The newest picture as soon as it is a later one than `number`, or None at `timeout_s`."""
        end_s = self._clock() + timeout_s
        while self._shown is None or self._shown.number <= number:
            try:
                await bounded(self._news.wait(), max(0.0, end_s - self._clock()))
            except TimeoutError:
                return None
        return self._shown

    async def run(self) -> None:
        """Pull until nobody has watched for `puller_linger_s`."""
        while await self._has_viewers():
            began_s = self._clock()
            picture = await self._pull_or_blind()
            if picture is not None:
                self._show(picture)
            await asyncio.sleep(self._pause_s(picture, began_s))

    async def _pull_or_blind(self) -> LivePicture | None:
        try:
            return await self._pull()
        # The border of the loop: whatever goes wrong, viewers must not be left with the last frame.
        except Exception as error:
            log.exception("pull_failed", camera_id=self._camera_id)
            reason = f"the picture cannot be fetched: {type(error).__name__}"
            return blind_picture(self._camera_id, reason=reason)

    async def _has_viewers(self) -> bool:
        if self._viewers:
            return True
        try:
            await bounded(self._joined.wait(), self._limits.puller_linger_s)
        except TimeoutError:
            return bool(self._viewers)
        return True

    async def _pull(self) -> LivePicture | None:
        asked_after = self._after
        try:
            picture = await bounded(
                self._cameras.picture(self._camera_id, self._profile, self._after, self._limits.pull_timeout_s),
                self._limits.silent_after_s,
            )
        except Unreachable as error:
            return await self._told_by_supervisor(str(error))
        except TimeoutError:
            return await self._told_by_supervisor("the camera's process does not answer")
        if picture is None and asked_after != self._after:
            return None  # asked for viewers who left meanwhile; those of now have seen nothing and ask anew
        if picture is None and self._is_old():
            return await self._told_by_supervisor("no new picture", believe_seeing=self._shown is not None)
        return picture

    def _is_old(self) -> bool:
        return self._shown is None or self._clock() - self._shown_s > self._limits.silent_after_s

    async def _told_by_supervisor(self, reason: str, *, believe_seeing: bool = False) -> LivePicture | None:
        """What to show instead of a picture that did not come; None: go on with the last one.

        A camera whose own process is silent is blind whatever was said of it. One that answers, but only that
        there is nothing new, may be slow: then its last picture stands as long as the supervisor says it sees.
        """
        try:
            report = await self._cameras.report(self._camera_id)
        except Unreachable:
            report = None
        if believe_seeing and report is not None and report.status in SEEING:
            return None
        return blind_picture(self._camera_id, reason=reason, report=report)

    def _show(self, picture: LivePicture) -> None:
        picture = honest(picture)
        if is_blind(picture):
            # The position stays: what was shown before the camera went blind must not come again as new.
            self._say_change(picture)
        else:
            self._after = (picture.epoch, picture.sequence)
        self._number += 1
        self._shown, self._shown_s = Shown(self._number, picture), self._clock()
        self._news.set()
        self._news = asyncio.Event()

    def _say_change(self, picture: LivePicture) -> None:
        if self._shown is None or not is_blind(self._shown.picture):
            log.info("viewers_told_blind", camera_id=self._camera_id, status=picture.status, reason=picture.reason)

    def _pause_s(self, picture: LivePicture | None, began_s: float) -> float:
        """Since a pull began, at least so long passes until the next: nothing, blindness and frames have their pace."""
        if picture is not None and not is_blind(picture):
            self._pace.taken(began_s, max(self._viewers, default=1.0))
            return self._pace.wait_s(self._clock())
        pause_s = self._limits.nothing_pause_s if picture is None else self._limits.blind_pause_s
        return max(0.0, pause_s - (self._clock() - began_s))


class Pullers:
    """The pullers of one replica."""

    def __init__(self, cameras: CameraDirectory, limits: Limits) -> None:
        self._cameras, self._limits = cameras, limits
        self._running: dict[tuple[str, PictureProfile], tuple[Puller, asyncio.Task[None]]] = {}

    def __len__(self) -> int:
        return len(self._running)

    @asynccontextmanager
    async def watch(self, camera_id: str, profile: PictureProfile, fps: float) -> AsyncIterator[Puller]:
        """The puller of this camera and profile, started if it does not run."""
        async with self._puller(camera_id, profile).watch(fps) as puller:
            yield puller

    def _puller(self, camera_id: str, profile: PictureProfile) -> Puller:
        key = (camera_id, profile)
        # One that has just ended is forgotten a moment later, and who came in between would see nothing.
        if key not in self._running or self._running[key][1].done():
            puller = Puller(camera_id, profile, self._cameras, self._limits)
            task = asyncio.create_task(puller.run(), name=f"puller {camera_id} {profile}")
            self._running[key] = puller, task
            task.add_done_callback(lambda ended: self._forget(key, ended))
        return self._running[key][0]

    def _forget(self, key: tuple[str, PictureProfile], ended: "asyncio.Task[None]") -> None:
        if self._running.get(key, (None, None))[1] is ended:
            del self._running[key]
        if not ended.cancelled() and (fault := ended.exception()) is not None:
            log.error("puller_failed", camera_id=key[0], profile=key[1], exc_info=fault)

    async def close(self) -> None:
        tasks = [task for _, task in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
