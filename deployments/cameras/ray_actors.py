"""The camera actors as Ray knows them."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import ray
import ray.exceptions
from ray.util import list_named_actors

from cluster.camera.actor import CAMERA_NAMESPACE, CameraActor, actor_name
from cluster.safety.status import CameraReport
from cluster.settings.cameras import Assignment
from deployments.cameras.camera_actors import ActorSilentError, CameraHandle

Answer = TypeVar("Answer")

_GCS_TIMEOUT_S = 5.0
_PREFIX = actor_name("")


class RayCamera:
    """A camera actor's handle; Ray's errors become `ActorSilentError`."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    async def report(self, timeout_s: float) -> CameraReport:
        report: CameraReport = await _answer(self._actor.report.remote(), timeout_s)
        return report

    async def apply(self, assignment: Assignment, timeout_s: float) -> None:
        await _answer(self._actor.apply.remote(assignment), timeout_s)

    async def retire(self, timeout_s: float) -> bool:
        """Whether everything that it had to tell has been recorded."""
        emptied: bool = await _answer(self._actor.retire.remote(timeout_s), 2 * timeout_s)
        return emptied

    async def end(self, timeout_s: float) -> None:
        """Closes the camera and ends its process for good, hung or not."""
        try:
            await _answer(self._actor.stop.remote(timeout_s - 1.0), timeout_s)
        finally:
            await _in_time(ray.kill, self._actor, no_restart=True)


class RayCameras:
    """Finds and makes them. One detached actor a camera, by name: `get_if_exists` keeps two supervisors from
    making two."""

    def __init__(self, cpus: float) -> None:
        self._class = ray.remote(
            num_cpus=cpus,
            max_restarts=-1,
            max_task_retries=0,
        )(CameraActor)

    async def running(self) -> Mapping[str, CameraHandle]:
        return await _in_time(self._find_running)

    async def create(self, camera_id: str) -> CameraHandle:
        return await _in_time(self._create, camera_id)

    def _find_running(self) -> dict[str, CameraHandle]:
        found: dict[str, CameraHandle] = {}
        for entry in list_named_actors(all_namespaces=True):
            if entry["namespace"] != CAMERA_NAMESPACE or not entry["name"].startswith(_PREFIX):
                continue
            try:
                actor = ray.get_actor(entry["name"], namespace=CAMERA_NAMESPACE)
            except ValueError:  # it died between the two calls; the next round sees it gone
                continue
            found[entry["name"].removeprefix(_PREFIX)] = RayCamera(actor)
        return found

    def _create(self, camera_id: str) -> RayCamera:
        options = self._class.options(
            name=actor_name(camera_id),
            namespace=CAMERA_NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            scheduling_strategy="SPREAD",
        )
        return RayCamera(options.remote(camera_id))


async def _answer(reference: Any, timeout_s: float) -> Any:
    try:
        return await asyncio.wait_for(reference, timeout_s)
    except TimeoutError as error:
        raise ActorSilentError(f"no answer within {timeout_s:g} s") from error
    except ray.exceptions.RayError as error:
        raise ActorSilentError(type(error).__name__) from error


async def _in_time(function: Callable[..., Answer], *arguments: Any, **options: Any) -> Answer:
    """Calls to Ray's control store block: off the loop, and not for ever."""
    try:
        return await asyncio.wait_for(asyncio.to_thread(function, *arguments, **options), _GCS_TIMEOUT_S)
    except TimeoutError as error:
        raise ActorSilentError("Ray's control store does not answer") from error
    except ray.exceptions.RayError as error:
        raise ActorSilentError(type(error).__name__) from error
