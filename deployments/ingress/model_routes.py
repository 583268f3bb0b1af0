"""`/api/v1/models`: which there are, which replica runs what, whether a file is the right one, and loading anew."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from cluster.safety.errors import ConfigError
from cluster.safety.redaction import redact
from cluster.safety.status import DetectorReport
from cluster.settings.models import ModelSettings
from deployments.deadlines import bounded
from deployments.ingress import queries
from deployments.ingress.access import entry
from deployments.ingress.audited import Audited
from deployments.ingress.documented import Documented, documented
from deployments.ingress.limits import Limits
from deployments.ingress.problems import Problem
from deployments.ingress.queries import read_query
from deployments.ingress.services import DetectorDirectory, Unreachable
from deployments.ingress.system_answers import ModelsAnswer, ReloadAnswer, VerifyAnswer
from deployments.ingress.system_services import ModelReader

_NO_STORE = {"Cache-Control": "no-store"}
_LIST = Documented("models", "Models, and which replicas run what", ModelsAnswer, refusals=(400, 503))
_VERIFY = Documented("models", "Look whether the weights are the right ones", VerifyAnswer, refusals=(404, 503))
_RELOAD = Documented("models", "Load the configured weights anew", ReloadAnswer, status=202, refusals=(503,))


class ModelRoutes:
    """Files are read in threads, one verification at a time; replicas are asked all at once."""

    def __init__(self, files: ModelReader, detector: DetectorDirectory, audit: Audited, limits: Limits) -> None:
        self._files, self._detector, self._audit, self._limits = files, detector, audit, limits
        self._verifying = asyncio.Lock()

    def routes(self) -> list[BaseRoute]:
        return [
            documented("/api/v1/models", self.models, _LIST),
            documented("/api/v1/models/reload", self.reload, _RELOAD, "POST"),
            documented("/api/v1/models/{name}/verify", self.verify, _VERIFY, "POST"),
        ]

    async def models(self, request: Request) -> Response:
        """`configured`: a replica was told to serve it. Without a Detector `replicas` is empty."""
        read_query(request, {})
        try:
            reports = await self._detector.reports()
        except Unreachable:
            reports = []
        models = await self._in_thread(self._files.listed)
        configured = {getattr(report, "configured", "") for report in reports}
        document = {
            "models": [_model_document(model, model.name in configured) for model in models],
            "replicas": [replica_document(report) for report in reports],
        }
        return JSONResponse(document, headers=_NO_STORE)

    async def verify(self, request: Request) -> Response:
        """The sha256 of the weights on the node of this process; each replica checks its own when it loads them."""
        name = queries.checked_path_id(request, "name", queries.model_name, "model")
        if self._verifying.locked():
            raise Problem(503, "another file is being read, try again")
        async with self._verifying:
            verdict = await self._in_thread(self._files.verify, name)
        if verdict is None:
            raise Problem(404, f"there is no model {name!r}")
        await self._audit.done(entry(request, "model.verify", name, verdict.reason or "is the right one"))
        document = {"ok": verdict.ok, "sha256": verdict.sha256, "reason": redact(verdict.reason)}
        return JSONResponse(document, headers=_NO_STORE)

    async def reload(self, request: Request) -> Response:
        """Every replica loads and proves them in the background, and goes on with what serves meanwhile; what became of
        it `GET /models` shows. Which model that is only serve_config.yaml says."""
        await self._audit.first(entry(request, "model.reload"))
        replicas = await self._detector.reload()
        return JSONResponse({"replicas": replicas}, 202, _NO_STORE)

    async def _in_thread(self, reading: Any, *arguments: str) -> Any:
        try:
            return await bounded(asyncio.to_thread(reading, *arguments), self._limits.model_file_s)
        except TimeoutError as error:
            raise Unreachable("configs/models.yaml", "its files cannot be read in time") from error
        except ConfigError as error:
            raise Unreachable("configs/models.yaml", str(error)) from error


def replica_document(report: DetectorReport) -> dict[str, Any]:
    """What one replica runs. A replica of the release before does not know all of it."""
    return {
        "pid": report.pid,
        "node": getattr(report, "node_id", ""),
        "model": report.model,
        "digest": report.model_digest,
        "runtime": report.runtime,
        "device": report.device,
        "ready": report.ready,
        "fallback": report.fallback,
        "error": redact(report.error),
        "configured": getattr(report, "configured", ""),
        "inference_age_s": report.inference_age_s,
        "canary_age_s": report.canary_age_s,
        "image_size": report.image_size,
        "frames": report.frames,
    }


def _model_document(model: ModelSettings, configured: bool) -> dict[str, Any]:
    return {
        "name": model.name,
        "sha256": model.sha256,
        "classes": model.classes,
        "licence": model.licence,
        "configured": configured,
    }
