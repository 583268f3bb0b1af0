"""Reads and changes cameras: those of the API in the revision that was seen, declared ones never."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import structlog

from cluster.camera.source_policy import check_source
from cluster.safety.errors import CameraChanged, DatabaseUnavailable
from cluster.settings.cameras import CameraSettings
from deployments.deadlines import bounded
from deployments.ingress.camera_setup import CameraSetup
from deployments.ingress.limits import Limits
from deployments.ingress.problems import Problem
from deployments.ingress.services import Unreachable

_log = structlog.get_logger()
Answer = TypeVar("Answer")
DECLARED_IN = "serve_config.yaml"
_CHECKS_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class KnownCamera:
    """A camera's own settings, without what operators said over them. `managed`: `api` or `config`."""

    settings: CameraSettings
    revision: int
    managed: str

    @property
    def declared_in(self) -> str | None:
        return DECLARED_IN if self.managed == "config" else None


class CameraEditing:
    """Every question has a deadline; every change is told to the supervisor, which looks at once."""

    def __init__(self, setup: CameraSetup, limits: Limits) -> None:
        self._setup, self._limits = setup, limits
        # The name server of somebody else's network may take its time: not at the cost of the replica's own threads.
        self._checks = ThreadPoolExecutor(_CHECKS_AT_ONCE, thread_name_prefix="source-check")

    async def read(self, camera_id: str) -> KnownCamera:
        """
        Raises:
            Problem: 404.
            Unreachable: the supervisor does not say whether it is declared.
        """
        if (declared := await self._setup.directory.declared(camera_id)) is not None:
            return KnownCamera(*declared, "config")
        stored = await self._answered(self._setup.cameras.get(camera_id))
        if stored is None:
            raise Problem(404, f"there is no camera {camera_id!r}")
        return KnownCamera(stored.settings, stored.revision, "api")

    async def create(self, settings: CameraSettings, by: str) -> KnownCamera:
        """What operators said of a former camera of this id ends in the same transaction.

        Raises:
            Problem: 409, there is one of that id.
            ConfigError: its source is not allowed.
        """
        if await self._setup.directory.declared(settings.camera_id) is not None:
            raise _declared(settings.camera_id)
        if await self._answered(self._setup.cameras.get(settings.camera_id)) is not None:
            raise Problem(409, f"there is a camera {settings.camera_id!r} already")
        await self.check_source(settings)
        revision = await self._answered(self._setup.cameras.put(settings, 0, by))
        await self.nudge()
        return KnownCamera(settings, revision, "api")

    async def change(
        self, camera_id: str, expected: int, edit: Callable[[CameraSettings], CameraSettings]
    ) -> KnownCamera:
        """What `edit` makes of the camera, which is still of the revision `expected`.

        Raises:
            Problem: 404; 409 for a declared camera; what `edit` raises.
            CameraChanged: it is of another revision.
            ConfigError: its source is not allowed.
        """
        known = await self._own(camera_id, expected)
        # Polygons are looked through point by point, off the loop.
        settings = await asyncio.to_thread(edit, known.settings)
        if settings.source != known.settings.source:
            await self.check_source(settings)
        revision = await self._answered(self._setup.cameras.put(settings, expected, ""))
        await self.nudge()
        return KnownCamera(settings, revision, "api")

    async def delete(self, camera_id: str, expected: int, by: str) -> None:
        """Raises as `change`."""
        await self._own(camera_id, expected)
        await self._answered(self._setup.cameras.delete(camera_id, expected, by))
        await self.nudge()

    async def check_source(self, settings: CameraSettings) -> None:
        """
        Raises:
            ConfigError: the source is not allowed.
            Problem: 503, the name of its server could not be resolved in time.
        """
        work = partial(check_source, settings, self._setup.sources)
        try:
            await bounded(asyncio.get_running_loop().run_in_executor(self._checks, work), self._limits.part_deadline_s)
        except TimeoutError as error:
            raise Problem(503, "the name in the source could not be looked up in time", field="source") from error

    async def nudge(self) -> None:
        """Nothing depends on its being heard: the supervisor looks by itself every 2 s."""
        try:
            await self._setup.directory.nudge()
        except Unreachable as error:
            _log.warning("nudge_not_heard", reason=str(error))

    async def _own(self, camera_id: str, expected: int) -> KnownCamera:
        known = await self.read(camera_id)
        if known.managed == "config":
            raise _declared(camera_id)
        if known.revision != expected:
            raise CameraChanged(f"camera {camera_id} is of revision {known.revision}, not {expected}", "read it again")
        return known

    async def _answered(self, asking: Awaitable[Answer]) -> Answer:
        try:
            return await bounded(asking, self._limits.call_deadline_s)
        except TimeoutError as error:
            raise DatabaseUnavailable(f"no answer within {self._limits.call_deadline_s:g} s") from error


def _declared(camera_id: str) -> Problem:
    detail = f"camera {camera_id} is declared in {DECLARED_IN}; change it there, or override it"
    return Problem(409, detail, declared_in=DECLARED_IN)
