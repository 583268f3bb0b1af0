"""Who asks: a name, a role, and the cameras that this somebody may see. Knows neither HTTP nor the database."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """VIEWER looks. OPERATOR also acknowledges, mutes, switches detection. ADMIN also changes cameras, zones, users."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def covers(self, needed: "Role") -> bool:
        """Whether this role may do what `needed` may."""
        return _RANK[self] >= _RANK[needed]


_RANK = {Role.VIEWER: 0, Role.OPERATOR: 1, Role.ADMIN: 2}


class PrincipalKind(StrEnum):
    """How we know: nobody asked (sign-in is off), a person's session, a program's token."""

    NOBODY = "nobody"
    USER = "user"
    TOKEN = "token"  # noqa: S105 - a kind, no secret


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who is known. `cameras` None: all of them, also those to come."""

    name: str
    role: Role
    cameras: frozenset[str] | None = None
    kind: PrincipalKind = PrincipalKind.USER

    def may(self, needed: Role) -> bool:
        return self.role.covers(needed)

    def sees(self, camera_id: str) -> bool:
        return self.cameras is None or camera_id in self.cameras


ANYBODY = Principal("anybody", Role.ADMIN, None, PrincipalKind.NOBODY)
"""Who asks where sign-in is off, which is possible on loopback only."""
