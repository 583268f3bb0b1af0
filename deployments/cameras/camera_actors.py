"""What the fleet asks of camera actors, whatever runs them."""

from collections.abc import Mapping
from typing import Protocol

from cluster.safety.status import CameraReport
from cluster.settings.cameras import Assignment


class CameraHandle(Protocol):
    """A running (or restarting) camera actor; every call has a deadline and raises `ActorSilentError`."""

    async def report(self, timeout_s: float) -> CameraReport: ...
    async def apply(self, assignment: Assignment, timeout_s: float) -> None: ...
    async def retire(self, timeout_s: float) -> bool: ...
    async def end(self, timeout_s: float) -> None: ...


class CameraActors(Protocol):
    """The actors of the cluster by camera id."""

    async def running(self) -> Mapping[str, CameraHandle]: ...
    async def create(self, camera_id: str) -> CameraHandle: ...


class ActorSilentError(Exception):
    """The actor did not answer in time, is dead, or is being restarted."""
