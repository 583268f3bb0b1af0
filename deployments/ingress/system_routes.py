"""`/api/v1/system`: nodes, deployments, replicas, GPUs, cameras, versions and health; and the alarms that fire."""

import asyncio
import platform
from collections.abc import Awaitable, Mapping
from dataclasses import asdict
from importlib import metadata
from typing import Any, Final, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from cluster.accounts.principal import Principal
from cluster.safety.errors import SafeYoloError
from cluster.safety.redaction import redact
from cluster.safety.status import CameraReport, CameraStatus
from deployments.deadlines import bounded
from deployments.ingress.access import principal_of
from deployments.ingress.documented import Documented, documented
from deployments.ingress.documents import instant
from deployments.ingress.health import Health, HealthBoard
from deployments.ingress.limits import Limits
from deployments.ingress.metrics_figures import gauges, gpu_documents, sums
from deployments.ingress.model_routes import replica_document
from deployments.ingress.queries import read_query
from deployments.ingress.services import Services
from deployments.ingress.system_answers import AlarmsAnswer, SystemAnswer
from deployments.ingress.system_services import Alarm

Answer = TypeVar("Answer")

_NO_STORE = {"Cache-Control": "no-store"}
_SYSTEM = Documented("system", "What runs where, and how well", SystemAnswer, refusals=(400,))
_ALARMS = Documented("system", "Alarms of the system that fire", AlarmsAnswer, refusals=(400,))
_PACKAGES: Final = ("safe-yolo", "ray", "ultralytics", "torch", "openvino", "opencv-python", "fastapi", "sqlalchemy")


class SystemRoutes:
    """Asks all parts at once, each with a deadline; one that does not answer is named and leaves its place empty."""

    def __init__(self, services: Services, board: HealthBoard, release: str, limits: Limits) -> None:
        self._services, self._board, self._release, self._limits = services, board, release, limits
        self._versions = _versions()

    def routes(self) -> list[BaseRoute]:
        return [
            documented("/api/v1/system", self.system, _SYSTEM),
            documented("/api/v1/system/alarms", self.alarms, _ALARMS),
        ]

    async def system(self, request: Request) -> Response:
        """`replicas` of a deployment are counted by state. `faults` says what could not be found out."""
        read_query(request, {})
        services, faults = self._services, list[str]()
        health, nodes, deployments, replicas, reports, page = await asyncio.gather(
            self._board.look(),
            self._part(services.cluster.nodes(), [], faults, "Ray"),
            self._part(services.cluster.deployments(), [], faults, "Serve"),
            self._part(services.detector.reports(), [], faults, "Detector"),
            self._part(services.cameras.reports(), [], faults, "CameraSupervisor"),
            self._part(services.pages.page(), b"", faults, "MetricsHub"),
        )
        shown = [report for report in reports if principal_of(request).sees(report.camera_id)]
        measured = await asyncio.to_thread(gauges, page)
        document = {
            "release": self._release,
            "versions": self._versions,
            "nodes": [asdict(node) for node in nodes],
            "deployments": [asdict(deployment) for deployment in deployments],
            "gpus": gpu_documents(measured),
            "replicas": [replica_document(report) for report in replicas],
            "cameras": _counts(shown),
            "health": _health(health, self._release, principal_of(request)),
            "figures": {**sums(measured), "outbox_events": float(sum(report.outbox_events for report in shown))},
            "faults": sorted(faults),
        }
        return JSONResponse(document, headers=_NO_STORE)

    async def alarms(self, request: Request) -> Response:
        """From Alertmanager, if site.yaml names one; those of cameras that you may not see are left out."""
        read_query(request, {})
        reader = self._services.alarms
        if reader is None:
            return JSONResponse({"configured": False, "alarms": [], "reason": ""}, headers=_NO_STORE)
        faults: list[str] = []
        firing: list[Alarm] = await self._part(reader.firing(), [], faults, "Alertmanager")
        shown = [alarm for alarm in firing if _may_know(principal_of(request), alarm)]
        document = {"configured": True, "alarms": list(map(_alarm_document, shown)), "reason": "; ".join(faults)}
        return JSONResponse(document, headers=_NO_STORE)

    async def _part(self, asking: Awaitable[Answer], otherwise: Answer, faults: list[str], part: str) -> Answer:
        try:
            return await bounded(asking, self._limits.health_deadline_s)
        except TimeoutError:
            faults.append(f"{part}: no answer within {self._limits.health_deadline_s:g} s")
        except SafeYoloError as error:
            faults.append(redact(str(error)))
        return otherwise


def _health(health: Health, release: str, principal: Principal) -> dict[str, Any]:
    """Reasons and counts name cameras: who is limited to some is told the states alone."""
    if principal.cameras is None:
        return health.document(release)
    return {**health.without_reasons(release), "cameras": {}}


def _counts(reports: list[CameraReport]) -> dict[str, int]:
    return {status.value: sum(report.status is status for report in reports) for status in CameraStatus}


def _may_know(principal: Principal, alarm: Alarm) -> bool:
    camera_id = alarm.labels.get("camera_id")
    return camera_id is None or principal.sees(camera_id)


def _alarm_document(alarm: Alarm) -> dict[str, Any]:
    return {**asdict(alarm), "since": instant(alarm.since)}


def _versions() -> Mapping[str, str]:
    """Read once at the start: files."""
    return {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
