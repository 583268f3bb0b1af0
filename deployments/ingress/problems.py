"""Refusals as `application/problem+json` (RFC 9457): one line, and the id of the request it belongs to."""

import math
from typing import Any

import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response

from cluster.safety.errors import (
    AccountConflict,
    AccountError,
    AccountUnknown,
    CameraChanged,
    ConfigError,
    DatabaseUnavailable,
    SignInRefused,
    SignInSlowed,
    SnapshotsUnavailable,
)
from cluster.safety.redaction import redact
from deployments.ingress.services import Unreachable

log = structlog.get_logger()

_TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    409: "Conflict",
    410: "Gone",
    412: "Changed meanwhile",
    413: "Request too large",
    415: "Unsupported media type",
    421: "Wrong host",
    428: "If-Match needed",
    429: "Too many",
    500: "Internal error",
    503: "Not available",
}
_RETRY_AFTER_S = "2"
_ALSO_HEADERS = {"allow": "Allow", "retry_after": "Retry-After"}
"""Members of a problem that HTTP says by a header too."""


class Problem(Exception):
    """A request that gets no answer: status, one line why, and what else a program may read."""

    def __init__(self, status: int, detail: str, **members: str) -> None:
        super().__init__(status, detail)
        self.status, self.detail, self.members = status, detail, members


def wrong_parameter(request: HTTPConnection, name: str, value: str, reason: str) -> Problem:
    """400 for one query parameter; nothing was done."""
    shown = redact(value if len(value) <= 80 else f"{value[:80]}...")
    detail = f"{request.url.path}: {name} = {shown!r}: {reason}"
    return Problem(400, detail, field=name, value=shown, reason=reason)


def request_id_of(request: Request) -> str:
    return str(request.scope.get("state", {}).get("request_id", ""))


def problem_response(request: Request, problem: Problem) -> Response:
    headers = {"Cache-Control": "no-store"}
    if problem.status == 503:
        headers["Retry-After"] = _RETRY_AFTER_S
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="safe-yolo"'
    headers |= {header: problem.members[name] for name, header in _ALSO_HEADERS.items() if name in problem.members}
    content = {
        "type": "about:blank",
        "title": _TITLES.get(problem.status, "Error"),
        "status": problem.status,
        "detail": " ".join(redact(problem.detail).split()),
        "instance": redact(request.url.path),
        "request_id": request_id_of(request),
        **problem.members,
    }
    return JSONResponse(content, problem.status, headers, media_type="application/problem+json")


def on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - registered for this class only
    return problem_response(request, error)


def on_http_exception(request: Request, error: Exception) -> Response:
    """What Starlette itself refuses: unknown paths and methods."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    return problem_response(request, Problem(error.status_code, f"{request.method} {request.url.path}: {error.detail}"))


def on_part_away(request: Request, error: Exception) -> Response:
    """A part that the request needs does not answer; it is worth trying again."""
    log.error("part_away", path=redact(request.url.path), reason=str(error))
    return problem_response(request, Problem(503, str(error)))


def on_account_error(request: Request, error: Exception) -> Response:
    """A user, a token or a sign-in cannot be as it was asked for."""
    assert isinstance(error, AccountError)  # noqa: S101 - registered for this class only
    if isinstance(error, SignInSlowed):
        return problem_response(request, Problem(429, str(error), retry_after=f"{math.ceil(error.retry_after_s)}"))
    status = next((status for kind, status in _ACCOUNT_STATUS.items() if isinstance(error, kind)), 400)
    return problem_response(request, Problem(status, str(error)))


def on_invalid(request: Request, error: Exception) -> Response:
    """What FastAPI could not read. A value is shown only where it is one, and never that of a secret."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    fault = error.errors()[0]
    field = ".".join(str(part) for part in fault["loc"][1:]) or str(fault["loc"][0])
    reason = str(fault["msg"]).removeprefix("Value error, ")
    value = fault.get("input")
    # What is no object at all may be a password that somebody sent in place of one.
    is_hidden = len(fault["loc"]) < 2 or not _SECRET_FIELDS.isdisjoint(map(str, fault["loc"]))
    shown = repr(value) if isinstance(value, str | int | float) and not is_hidden else ""
    detail = f"{field} = {redact(shown)[:80]}: {reason}" if shown else f"{field}: {reason}"
    return problem_response(request, Problem(400, detail, field=field, reason=redact(reason)))


def on_camera_changed(request: Request, error: Exception) -> Response:
    """Somebody else was faster; nothing was changed."""
    return problem_response(request, Problem(412, str(error)))


def on_wrong_value(request: Request, error: Exception) -> Response:
    """A value that only the rest of the system could judge, such as the address of a camera."""
    assert isinstance(error, ConfigError)  # noqa: S101 - registered for this class only
    mend = {"mend": error.mend} if error.mend else {}
    return problem_response(request, Problem(400, str(error), field=error.key, reason=error.reason, **mend))


_SECRET_FIELDS = {"password", "old", "new", "token", "ticket", "source"}
_ACCOUNT_STATUS = {AccountUnknown: 404, AccountConflict: 409, SignInRefused: 401}

EXCEPTION_HANDLERS: dict[Any, Any] = {  # FastAPI types coroutines only, and runs both
    Problem: on_problem,
    HTTPException: on_http_exception,
    AccountError: on_account_error,
    RequestValidationError: on_invalid,
    CameraChanged: on_camera_changed,
    ConfigError: on_wrong_value,
    Unreachable: on_part_away,
    DatabaseUnavailable: on_part_away,
    SnapshotsUnavailable: on_part_away,
    TimeoutError: on_part_away,
}
