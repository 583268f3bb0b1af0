"""Who may use which route and socket: the one table that the sign-in middleware enforces.

A route that does not stand here is answered as if it were not there, so that a forgotten line locks a door instead of
leaving it open. HEAD is GET. Where a path has `{camera_id}`, the camera must be shown to whoever asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from re import Pattern
from typing import Final

from starlette.routing import compile_path

from cluster.accounts.principal import Role
from deployments.ingress.problems import Problem

OPEN: Final = None
"""For everybody, signed in or not: the route itself knows whom it trusts."""
Needed = Role | None
SOCKET: Final = "WS"
METRICS: Final = "/metrics"

_API: Final = "/api/v1"
_VIEWER, _OPERATOR, _ADMIN = Role.VIEWER, Role.OPERATOR, Role.ADMIN

ROLES: Final[Mapping[str, Needed]] = {
    # Probes, and Prometheus (`sign_in.metrics` may ask for a token)
    "GET /health": OPEN,
    "GET /health/live": OPEN,
    "GET /health/ready": OPEN,
    f"GET {METRICS}": OPEN,
    # The page
    "GET /": OPEN,
    "GET /favicon.ico": OPEN,
    "GET /static/{path:path}": OPEN,
    # How to use the API
    f"GET {_API}/openapi.json": OPEN,
    f"GET {_API}/docs": OPEN,
    f"GET {_API}/docs/{{path:path}}": OPEN,
    # Who carries a signed link, or a token in its path
    f"GET {_API}/acknowledge/{{token}}": OPEN,
    f"POST {_API}/acknowledge/{{token}}": OPEN,
    "GET /legacy/{token}/{path:path}": OPEN,
    "POST /legacy/{token}/{path:path}": OPEN,
    "PUT /legacy/{token}/{path:path}": OPEN,
    "PATCH /legacy/{token}/{path:path}": OPEN,
    "DELETE /legacy/{token}/{path:path}": OPEN,
    f"{SOCKET} /legacy/{{token}}/{{path:path}}": OPEN,
    # Sign-in
    f"POST {_API}/session": OPEN,
    f"GET {_API}/session": OPEN,
    f"DELETE {_API}/session": _VIEWER,
    f"PUT {_API}/session/password": _VIEWER,
    f"POST {_API}/tickets": _VIEWER,
    f"GET {_API}/users": _ADMIN,
    f"POST {_API}/users": _ADMIN,
    f"GET {_API}/users/{{name}}": _ADMIN,
    f"PATCH {_API}/users/{{name}}": _ADMIN,
    f"DELETE {_API}/users/{{name}}": _ADMIN,
    f"GET {_API}/tokens": _ADMIN,
    f"POST {_API}/tokens": _ADMIN,
    f"DELETE {_API}/tokens/{{token_id}}": _ADMIN,
    f"GET {_API}/audit": _ADMIN,
    # Cameras
    f"GET {_API}/cameras": _VIEWER,
    f"POST {_API}/cameras": _ADMIN,
    f"POST {_API}/cameras/test": _ADMIN,
    f"GET {_API}/cameras/{{camera_id}}": _VIEWER,
    f"PATCH {_API}/cameras/{{camera_id}}": _ADMIN,
    f"DELETE {_API}/cameras/{{camera_id}}": _ADMIN,
    f"GET {_API}/cameras/{{camera_id}}/settings": _OPERATOR,
    f"GET {_API}/cameras/{{camera_id}}/overrides": _VIEWER,
    f"PUT {_API}/cameras/{{camera_id}}/overrides/{{field}}": _OPERATOR,
    f"DELETE {_API}/cameras/{{camera_id}}/overrides/{{field}}": _OPERATOR,
    f"GET {_API}/overrides": _VIEWER,
    f"PUT {_API}/overrides/{{field}}": _OPERATOR,
    f"DELETE {_API}/overrides/{{field}}": _OPERATOR,
    f"GET {_API}/cameras/{{camera_id}}/zones": _VIEWER,
    f"POST {_API}/cameras/{{camera_id}}/zones": _ADMIN,
    f"PUT {_API}/cameras/{{camera_id}}/zones/{{zone_id}}": _ADMIN,
    f"DELETE {_API}/cameras/{{camera_id}}/zones/{{zone_id}}": _ADMIN,
    f"POST {_API}/cameras/{{camera_id}}/zones/dry-run": _ADMIN,
    f"GET {_API}/cameras/{{camera_id}}/frame.jpg": _VIEWER,
    f"GET {_API}/cameras/{{camera_id}}/mjpeg": _VIEWER,
    f"{SOCKET} {_API}/cameras/{{camera_id}}/live": _VIEWER,
    # Events
    f"GET {_API}/events": _VIEWER,
    f"GET {_API}/events/statistics": _VIEWER,
    f"GET {_API}/events/export": _VIEWER,
    f"POST {_API}/events/acknowledge": _OPERATOR,
    f"{SOCKET} {_API}/events/live": _VIEWER,
    f"GET {_API}/events/{{event_id}}": _VIEWER,
    f"GET {_API}/events/{{event_id}}/snapshot.jpg": _VIEWER,
    f"POST {_API}/events/{{event_id}}/acknowledge": _OPERATOR,
    # Models and system
    f"GET {_API}/models": _VIEWER,
    f"POST {_API}/models/{{name}}/verify": _ADMIN,
    f"POST {_API}/models/reload": _ADMIN,
    f"GET {_API}/system": _VIEWER,
    f"GET {_API}/system/alarms": _VIEWER,
    f"POST {_API}/client-logs": _VIEWER,
}
"""`METHOD /path`, as the route says it, onto the least role that may use it."""


@dataclass(frozen=True, slots=True)
class Door:
    """What one request wants to go through. `camera_id`: the camera in its path, "" for none."""

    needed: Needed
    camera_id: str = ""


class RouteRoles:
    """Finds the line of the table for a request; those without parameters go first, then in the table's order."""

    def __init__(self, table: Mapping[str, Needed] = ROLES) -> None:
        self._literal: dict[str, dict[str, Needed]] = {}
        self._patterns: list[tuple[Pattern[str], str, Needed]] = []
        for line, needed in table.items():
            method, _, path = line.partition(" ")
            if "{" in path:
                self._patterns.append((compile_path(path)[0], method, needed))
            else:
                self._literal.setdefault(path, {})[method] = needed

    def find(self, method: str, path: str) -> Door:
        """The line for `method` (`WS` for a socket) and `path`.

        Raises:
            Problem: 404 for a path that does not stand in the table, 405 for one with other methods only.
        """
        asked = "GET" if method == "HEAD" else method
        exact = self._literal.get(path, {})
        if asked in exact:
            return Door(exact[asked])
        allowed = set(exact)
        for pattern, offered, needed in self._patterns:
            if (match := pattern.match(path)) is None:
                continue
            if offered == asked:
                return Door(needed, match.groupdict().get("camera_id", ""))
            allowed.add(offered)
        raise _refusal(method, path, allowed - {SOCKET})


def _refusal(method: str, path: str, allowed: set[str]) -> Problem:
    shown = path[:200]
    if allowed and method != SOCKET:
        return Problem(405, f"{method} {shown}: Method Not Allowed", allow=", ".join(sorted(allowed)))
    return Problem(404, f"{method} {shown}: Not Found")
