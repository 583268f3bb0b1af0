"""Who asks and what he may, as routes see it. The middleware that signs people in puts the principal into the scope."""

from collections.abc import Awaitable, Callable

from starlette.requests import HTTPConnection

from cluster.accounts.audit import AuditEntry
from cluster.accounts.principal import Principal, PrincipalKind, Role
from deployments.ingress.problems import Problem

_KEY = "principal"
STRANGER = Principal("stranger", Role.VIEWER, frozenset(), PrincipalKind.NOBODY)
"""Who comes through a door that is open to everybody, where sign-in is on: sees no camera."""


def set_principal(connection: HTTPConnection, principal: Principal) -> None:
    connection.scope.setdefault("state", {})[_KEY] = principal


def principal_of(connection: HTTPConnection) -> Principal:
    """Who asks; `ANYBODY` where sign-in is off, and `STRANGER` where nobody has looked."""
    principal: Principal = connection.scope.get("state", {}).get(_KEY, STRANGER)
    return principal


def needs(role: Role) -> Callable[[HTTPConnection], Awaitable[Principal]]:
    """A FastAPI dependency: who asks, if he may do what `role` may, and see the camera in the path.

    Raises:
        Problem: 403 for the role; 404 for a camera that is not shown to him, as if it were not there.
    """

    async def checked(connection: HTTPConnection) -> Principal:
        principal = principal_of(connection)
        if not principal.may(role):
            raise Problem(403, f"{principal.name} is {principal.role}; this needs {role}", needed=role.value)
        camera_id = connection.path_params.get("camera_id")
        if camera_id is not None and not principal.sees(str(camera_id)):
            raise Problem(404, f"there is no camera {str(camera_id)[:80]!r}")
        return principal

    return checked


def entry(connection: HTTPConnection, action: str, subject: str = "", detail: str = "") -> AuditEntry:
    """What the audit keeps of this request."""
    return AuditEntry(
        who=principal_of(connection).name,
        action=action,
        subject=subject,
        detail=detail,
        address=connection.client.host if connection.client else "",
        request_id=str(connection.scope.get("state", {}).get("request_id", "")),
    )
