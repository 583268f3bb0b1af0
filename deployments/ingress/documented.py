"""Routes that say in the OpenAPI document what they take and answer. They read and write for themselves."""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from deployments.ingress.parameters import path_parameter, query_parameter

PROBLEM: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
BYTES: Final = {"type": "string", "format": "binary"}
TEXT: Final = {"type": "string"}
_REFUSALS: Final = {
    400: "A wrong parameter or body; `field`, `value` and `reason` say which and why",
    404: "There is none, or none that you may see",
    409: "It is not as you have seen it any more",
    410: "It has expired",
    413: "A body that is too large",
    415: "A body of another type than application/json",
    503: "A part that is needed for the answer does not answer; try again",
}


@dataclass(frozen=True, slots=True)
class Documented:
    """What a route says of itself. Its description is the docstring of its endpoint.

    `answer`: the JSON of its good answer; `media`: its content by type, where that is no JSON of `answer`. `query`:
    the parameters that it reads, whatever reads them. `body`: the JSON that it takes. `refusals`: status codes that
    are more than any route may answer.
    """

    tag: str
    summary: str
    answer: type[BaseModel] | None = None
    media: Mapping[str, Any] = field(default_factory=dict)
    query: Collection[str] = ()
    body: type[BaseModel] | None = None
    refusals: tuple[int, ...] = ()
    status: int = 200
    others: Mapping[int, type[BaseModel] | str] = field(default_factory=dict)


class DocumentedRoute(APIRoute):
    """What GET answers, HEAD does too, as everywhere in Starlette; the document names it once."""

    def as_documented(self) -> "DocumentedRoute":
        """This route with the methods that the document names."""
        shown = copy(self)
        shown.methods = (self.methods or set()) - {"HEAD"}
        return shown


def documented(
    path: str, endpoint: Callable[[Request], Awaitable[Response]], said: Documented, method: str = "GET"
) -> DocumentedRoute:
    """A route of `endpoint`, which reads the request and makes the answer itself."""
    return DocumentedRoute(
        path,
        endpoint,
        methods=["GET", "HEAD"] if method == "GET" else [method],
        response_model=said.answer,
        response_class=Response if said.answer is None else JSONResponse,
        status_code=said.status,
        responses=_responses(said),
        summary=said.summary,
        tags=[said.tag],
        operation_id=_operation_id(method, path),
        openapi_extra=_extra(path, said),
    )


def _responses(said: Documented) -> dict[int | str, dict[str, Any]]:
    found: dict[int | str, dict[str, Any]] = {
        status: {"description": _REFUSALS[status], "content": PROBLEM} for status in said.refusals
    }
    found |= {status: _other(kind) for status, kind in said.others.items()}
    if said.media:
        content = {kind: {"schema": schema} for kind, schema in said.media.items()}
        found[said.status] = {"description": "What was asked for", "content": content}
    return found


def _other(kind: type[BaseModel] | str) -> dict[str, Any]:
    if isinstance(kind, str):
        return {"description": "A page that says why", "content": {kind: {"schema": TEXT}}}
    return {"model": kind}


def _extra(path: str, said: Documented) -> dict[str, Any]:
    parameters = [path_parameter(name) for name in re.findall(r"{(\w+)", path)]
    parameters += [query_parameter(name) for name in said.query]
    extra: dict[str, Any] = {"parameters": parameters} if parameters else {}
    if said.body is not None:
        schema = said.body.model_json_schema(ref_template="#/components/schemas/{model}")
        required = bool(schema.get("required"))
        extra["requestBody"] = {"required": required, "content": {"application/json": {"schema": schema}}}
    return extra


def _operation_id(method: str, path: str) -> str:
    words = re.findall(r"[A-Za-z0-9]+", path.removeprefix("/api/v1"))
    return "_".join((method.lower(), *words))
