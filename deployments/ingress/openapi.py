"""`/api/v1/openapi.json`: every route of the application, made once, as OpenAPI 3.0, which the page that shows it
reads.

FastAPI writes 3.1; what the two say differently is said the older way here.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from deployments.ingress.answers import ProblemAnswer
from deployments.ingress.documented import PROBLEM, Documented, DocumentedRoute, documented
from deployments.ingress.openapi_older import as_3_0
from deployments.ingress.route_roles import OPEN, ROLES

_NO_STORE = {"Cache-Control": "no-store"}
_ABOUT: Final = """\
Watches cameras, finds people and objects in danger, tells somebody.

Times are UTC. Errors are `application/problem+json` (RFC 9457) with a `request_id`. Lists are paged by `cursor`.
Changes of cameras and zones take `If-Match` with the ETag that was read.

Sign in with `POST /api/v1/session`, which sets a cookie; changing requests then carry its `csrf` in `X-CSRF-Token`.
Programs send `Authorization: Bearer <token>`. Sockets (`/api/v1/cameras/{camera_id}/live`, `/api/v1/events/live`) take
the cookie, the header, or a ticket of `POST /api/v1/tickets` in `?ticket=`.
"""
_SCHEMES: Final = {
    "cookie": {"type": "apiKey", "in": "cookie", "name": "safe_yolo_session", "description": "Of `POST /session`"},
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "Of `POST /tokens`"},
}
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_SAID = Documented(tag="api", summary="This document", media={"application/json": {"type": "object"}})


class OpenApiRoute:
    """Answers the document, which is made when it is first asked for: by then all routes are there."""

    def __init__(self, release: str) -> None:
        self._release = release
        self._document: bytes | None = None

    def routes(self) -> list[BaseRoute]:
        return [documented("/api/v1/openapi.json", self.document, _SAID)]

    async def document(self, request: Request) -> Response:
        """Of all routes, with who may use them (`x-role`)."""
        if self._document is None:
            self._document = json.dumps(document_of(request.app, self._release), ensure_ascii=False).encode()
        return Response(self._document, media_type="application/json", headers=_NO_STORE)


def document_of(app: FastAPI, release: str) -> dict[str, Any]:
    """The OpenAPI document of `app`."""
    found = get_openapi(title="SAFE-YOLO", version=release or "0", description=_ABOUT, routes=_shown(app.routes))
    for path, method, operation in operations(found):
        _complete(operation, f"{method.upper()} {path}")
    components = found.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = ProblemAnswer.model_json_schema()
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    components["securitySchemes"] = _SCHEMES
    document: dict[str, Any] = as_3_0(found)
    return document | {"openapi": "3.0.3"}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and what is said of it, for each operation of the document."""
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield path, method, methods[method]


def _shown(routes: Sequence[BaseRoute]) -> list[BaseRoute]:
    return [route.as_documented() if isinstance(route, DocumentedRoute) else route for route in routes]


def _complete(operation: dict[str, Any], line: str) -> None:
    """What holds for every operation: who may, and how it refuses. FastAPI says 422 for what we answer with 400."""
    responses = operation.setdefault("responses", {})
    if responses.pop("422", None) is not None:
        responses.setdefault("400", {"description": "A wrong parameter or body", "content": PROBLEM})
    responses.setdefault("default", {"description": "Any other refusal", "content": PROBLEM})
    role = ROLES.get(line, OPEN)
    operation["security"] = [] if role is OPEN else [{"cookie": []}, {"bearer": []}]
    operation["x-role"] = "anybody" if role is OPEN else role.value
