"""What people call the cameras, as the supervisor says it; remembered, so that no message waits for it."""

import asyncio
from typing import Any

import ray.serve
import structlog
from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException

from cluster.safety.status import CameraReport
from deployments.deadlines import bounded

_log = structlog.get_logger()
_ASK_S, _EVERY_S, _HURRIED_S = 3.0, 15.0, 2.0
# KeyError and ValueError: Serve's and Ray's ways to say that there is no such deployment.
_FAULTS = (TimeoutError, RayError, RayServeException, KeyError, ValueError)


class CameraNames:
    """`of` answers at once; `run` asks for ever. Belongs to one event loop."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._handle: Any = None

    def of(self, camera_id: str) -> str:
        """ "" if nobody gave it a name, or the supervisor has not said it yet."""
        return self._names.get(camera_id, "")

    async def run(self) -> None:
        """Ends by cancellation."""
        while True:
            try:
                await bounded(self._ask(), _ASK_S)
            except _FAULTS as error:
                _log.debug("camera_names_not_read", reason=type(error).__name__)
            # The border of the loop: a message goes out with the camera's id as well.
            except Exception as error:  # noqa: BLE001
                _log.warning("camera_names_not_read", reason=type(error).__name__)
            await asyncio.sleep(_EVERY_S if self._names else _HURRIED_S)

    async def _ask(self) -> None:
        if self._handle is None:
            self._handle = await asyncio.to_thread(ray.serve.get_deployment_handle, "CameraSupervisor", "cameras")
        reports: list[CameraReport] = await self._handle.reports.remote()
        self._names |= {report.camera_id: report.name for report in reports}
