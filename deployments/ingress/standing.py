"""By what right a connection is open, to be asked again while it stays open."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import HTTPConnection

from cluster.accounts.credential import Credential
from cluster.accounts.principal import Principal, Role
from cluster.safety.errors import DatabaseUnavailable
from deployments.ingress.problems import Problem

_KEY = "standing"


class Holders(Protocol):
    """Who knows credentials; raises `DatabaseUnavailable`."""

    async def holder(self, credential: Credential, /) -> Principal | None: ...


class HiddenCamera(Problem):
    """A camera that is not shown to who asks, whether there is one or not."""


class ScopeChanged(Exception):
    """Who watches may still, but is shown other cameras than when he came: he is to come in anew."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What one connection was let in for. `camera_id`: the camera in its path, "" for none."""

    holders: Holders
    credential: Credential
    principal: Principal
    needed: Role
    camera_id: str = ""

    async def prove(self) -> None:
        """Nothing happens where it still holds.

        Raises:
            Problem: as at the door: 401, 403 or 404.
            ScopeChanged: it holds for other cameras now.
            DatabaseUnavailable: nobody can say.
        """
        now = await self.holders.holder(self.credential)
        if now is None:
            raise Problem(401, "signed out, or the token was revoked; sign in again")
        check(now, self.needed, self.camera_id)
        if now.cameras != self.principal.cameras:
            raise ScopeChanged(self.principal.name)


class Again:
    """Asks `standing` (None: nobody had to be proved) again every `every_s`, for a stream that can only end."""

    def __init__(self, standing: Standing | None, every_s: float, clock: Callable[[], float]) -> None:
        self._standing, self._every_s, self._clock = standing, every_s, clock
        self._asked_s = clock()

    async def holds(self) -> bool:
        """False: who watches may not any more. A database that is away cuts nobody off."""
        if self._standing is None or self._clock() - self._asked_s < self._every_s:
            return True
        self._asked_s = self._clock()
        try:
            await self._standing.prove()
        except Problem:
            return False
        except (ScopeChanged, DatabaseUnavailable, TimeoutError):
            return True  # this camera he may see
        return True


def check(principal: Principal, needed: Role, camera_id: str = "") -> None:
    """
    Raises:
        Problem: 403 not with this role; 404 a camera that is not shown to him.
    """
    if not principal.may(needed):
        raise Problem(403, f"{principal.name} is {principal.role}; this needs {needed}", needed=needed.value)
    if camera_id and not principal.sees(camera_id):
        raise HiddenCamera(404, f"there is no camera {camera_id[:80]!r}")


def set_standing(connection: HTTPConnection, standing: Standing) -> None:
    connection.scope.setdefault("state", {})[_KEY] = standing


def standing_of(connection: HTTPConnection) -> Standing | None:
    """None: nobody had to be proved, as sign-in is off or the door is open to all."""
    standing: Standing | None = connection.scope.get("state", {}).get(_KEY)
    return standing
