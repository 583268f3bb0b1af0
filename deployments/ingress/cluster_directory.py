"""The cluster as the ingress sees it through Ray: every call with a deadline, every fault an `Unreachable`."""

import asyncio
from typing import Any

import ray
import ray.serve
from ray.exceptions import RayActorError, RayError
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle

from cluster.camera.actor_names import CAMERA_NAMESPACE
from cluster.safety.dry_run import DryRun
from cluster.safety.pictures import LivePicture, PictureProfile
from cluster.safety.status import CameraReport, DetectorReport
from cluster.safety.zones import Zone
from cluster.settings.cameras import CameraSettings
from cluster.telemetry import metrics
from deployments.deadlines import bounded
from deployments.ingress.camera_lookup import CameraLookup
from deployments.ingress.remembered import Remembered
from deployments.ingress.replicas import most_worrying
from deployments.ingress.services import Position, Unreachable

_CALL_S = 2.0
_DRY_RUN_S = 10.0
_KEEP_REPORTS_S = 0.5
_BEYOND_THE_POLL_S = 2.0
# KeyError and ValueError: Serve's and Ray's ways to say that there is no such deployment or actor.
_FAULTS = (TimeoutError, RayError, RayServeException, KeyError, ValueError)


class ServeCameras:
    """`CameraDirectory`: reports from the supervisor, pictures from the camera's own actor."""

    def __init__(self) -> None:
        self._supervisor = _Deployment("CameraSupervisor", "cameras")
        self._remembered = Remembered(self._ask_reports, _KEEP_REPORTS_S)
        # ValueError: Ray's way to say that there is no such actor any more.
        self._actors = CameraLookup(self._actor_of, _get_camera, (RayActorError, ValueError), _KEEP_REPORTS_S)

    async def reports(self) -> list[CameraReport]:
        return await self._remembered.get()

    async def faults(self) -> list[str]:
        faults: list[str] = await self._supervisor.ask("faults")
        return faults

    async def report(self, camera_id: str) -> CameraReport | None:
        return next((report for report in await self.reports() if report.camera_id == camera_id), None)

    async def picture(
        self, camera_id: str, profile: PictureProfile, after: Position, timeout_s: float
    ) -> LivePicture | None:
        try:
            return await bounded(
                self._ask_picture(camera_id, profile, after, timeout_s), timeout_s + _BEYOND_THE_POLL_S
            )
        except _FAULTS as error:
            # A camera that was stopped and started again is another actor under the same name.
            self._actors.forget(camera_id)
            raise Unreachable(f"camera {camera_id}", _reason(error)) from error

    async def declared(self, camera_id: str) -> tuple[CameraSettings, int] | None:
        found: tuple[CameraSettings, int] | None = await self._supervisor.ask("declared", camera_id)
        return found

    async def nudge(self) -> None:
        await self._supervisor.ask("nudge")

    async def dry_run(self, camera_id: str, zone: Zone) -> DryRun:
        async def ask(actor: Any) -> DryRun:
            told: DryRun = await actor.dry_run.remote(zone)
            return told

        try:
            return await bounded(self._actors.ask(camera_id, ask), _DRY_RUN_S)
        except (*_FAULTS, AttributeError) as error:  # AttributeError: a camera of an older release
            raise Unreachable(f"camera {camera_id}", _reason(error)) from error

    async def _ask_reports(self) -> list[CameraReport]:
        reports: list[CameraReport] = await self._supervisor.ask("reports")
        return sorted(reports, key=lambda report: report.camera_id)

    async def _ask_picture(
        self, camera_id: str, profile: PictureProfile, after: Position, timeout_s: float
    ) -> LivePicture | None:
        async def ask(actor: Any) -> LivePicture | None:
            picture: LivePicture | None = await actor.picture.remote(profile.value, *after, timeout_s)
            return picture

        return await self._actors.ask(camera_id, ask)

    async def _actor_of(self, camera_id: str) -> str:
        report = await self.report(camera_id)
        return report.actor if report is not None else ""


def _get_camera(name: str) -> Any:
    return ray.get_actor(name, namespace=CAMERA_NAMESPACE)


class ServeDetector:
    """`DetectorDirectory` by handle."""

    def __init__(self) -> None:
        self._detector = _Deployment("Detector", "detector")

    async def report(self) -> DetectorReport | None:
        """Of all replicas the one that worries most: health is asked once in a while, and one may be bad alone."""
        return most_worrying(await self.reports())

    async def reports(self) -> list[DetectorReport]:
        return await self._detector.ask_all("report")

    async def reload(self) -> int:
        return sum(await self._detector.ask_all("reload"))


class RayLiveMetrics:
    """`LiveMetrics` in Ray's export."""

    def __init__(self) -> None:
        # Nobody connected is a number too: the alarm about it needs one before the first viewer comes.
        metrics.websocket_connections.set(0)

    def connections(self, count: int) -> None:
        metrics.websocket_connections.set(count)

    def acknowledged(self, after_s: float) -> None:
        metrics.ws_frame_send.observe(after_s)


class _Deployment:
    """A deployment of another application, found when it is first asked: it may come later, or come again."""

    def __init__(self, name: str, application: str) -> None:
        self._name, self._application = name, application
        self._handle: DeploymentHandle[Any] | None = None

    async def ask(self, method: str, *arguments: Any) -> Any:
        """What `method` answers.

        Raises:
            Unreachable: no such deployment, no replica, no answer in time, or it failed.
        """
        try:
            return await bounded(self._ask(method, *arguments), _CALL_S)
        except _FAULTS as error:
            raise Unreachable(self._name, _reason(error)) from error

    async def ask_all(self, method: str) -> list[Any]:
        """What `method` answers in each replica, but for those that fail at it.

        Raises:
            Unreachable: as `ask`.
        """
        try:
            answers = await bounded(self._ask_all(method), _CALL_S)
        except _FAULTS as error:
            raise Unreachable(self._name, _reason(error)) from error
        good = [answer for answer in answers if not isinstance(answer, BaseException)]
        if answers and not good:
            raise Unreachable(self._name, _reason(answers[0]))
        return good

    async def _ask_all(self, method: str) -> list[Any]:
        handle = await self._found()
        answers: list[Any] = await handle.broadcast(method).results_async(return_exceptions=True)
        return answers

    async def _ask(self, method: str, *arguments: Any) -> Any:
        handle = await self._found()
        return await handle.options(method_name=method).remote(*arguments)

    async def _found(self) -> DeploymentHandle[Any]:
        if self._handle is None:
            # Asks the controller and blocks.
            self._handle = await asyncio.to_thread(ray.serve.get_deployment_handle, self._name, self._application)
        return self._handle


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200] if lines else 'no reason given'}"
