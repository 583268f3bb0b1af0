"""`/api/v1/users`: people who may sign in, for administrators."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from cluster.accounts.accounts import Accounts
from cluster.accounts.passwords import checked_password
from cluster.accounts.users import User
from deployments.ingress.access import entry
from deployments.ingress.account_documents import (
    PRINTED,
    UserBody,
    UserChange,
    UserDocument,
    UserList,
    chosen_cameras,
    sorted_cameras,
)
from deployments.ingress.audited import Audited
from deployments.ingress.problems import Problem
from deployments.ingress.session_routes import usable

_Name = Annotated[str, Path(max_length=64, pattern=PRINTED)]
_Cursor = Annotated[str, Query(max_length=64, pattern=PRINTED)]
_Limit = Annotated[int, Query(ge=1, le=500)]


class UserRoutes:
    """`accounts` None: sign-in is off, and everything answers 409."""

    def __init__(self, accounts: Accounts | None, audit: Audited) -> None:
        self._accounts, self._audit = accounts, audit

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/api/v1/users", tags=["users"])
        add = router.add_api_route
        add("", self.users, methods=["GET"], response_model=UserList)
        add("", self.create, methods=["POST"], status_code=201, response_model=UserDocument)
        add("/{name}", self.user, methods=["GET"], response_model=UserDocument)
        add("/{name}", self.change, methods=["PATCH"], response_model=UserDocument)
        add("/{name}", self.remove, methods=["DELETE"], status_code=204)
        return router

    async def users(self, response: Response, cursor: _Cursor = "", limit: _Limit = 200) -> UserList:
        """By name."""
        response.headers["Cache-Control"] = "no-store"
        found = await usable(self._accounts).users.list(cursor, limit + 1)
        more = found[limit - 1].name if len(found) > limit else None
        return UserList(users=[_document(user) for user in found[:limit]], next_cursor=more)

    async def create(self, request: Request, response: Response, body: UserBody) -> UserDocument:
        """409 if there is one of that name."""
        response.headers["Cache-Control"] = "no-store"
        accounts = usable(self._accounts)
        hash_text = await accounts.passwords.hashed(checked_password(body.password, body.name))
        user = await accounts.users.add(body.name, hash_text, body.role, chosen_cameras(body.cameras))
        await self._audit.done(entry(request, "user.create", user.name, _scope(user)))
        return _document(user)

    async def user(self, response: Response, name: _Name) -> UserDocument:
        response.headers["Cache-Control"] = "no-store"
        found = await usable(self._accounts).users.get(name)
        if found is None:
            raise Problem(404, f"there is no user {name!r}")
        return _document(found)

    async def change(self, request: Request, response: Response, name: _Name, body: UserChange) -> UserDocument:
        """A new password, or being disabled, signs the user out. 409 if nobody would be left who may administer."""
        response.headers["Cache-Control"] = "no-store"
        accounts = usable(self._accounts)
        values = await _values(accounts, name, body)
        user = await accounts.users.change(name, values)
        accounts.forget_all()
        changed = " and ".join(sorted(key.replace("password_hash", "the password") for key in values))
        await self._audit.done(entry(request, "user.change", name, f"changed {changed}; {_scope(user)}"))
        return _document(user)

    async def remove(self, request: Request, name: _Name) -> Response:
        """Signs the user out. 409 if nobody would be left who may administer."""
        accounts = usable(self._accounts)
        await accounts.users.remove(name)
        accounts.forget_all()
        await self._audit.done(entry(request, "user.delete", name))
        return Response(status_code=204, headers={"Cache-Control": "no-store"})


async def _values(accounts: Accounts, name: str, body: UserChange) -> dict[str, Any]:
    given = body.model_dump(exclude_unset=True)
    values = {key: given[key] for key in ("role", "disabled") if given.get(key) is not None}
    if "cameras" in given:
        values["cameras"] = chosen_cameras(given["cameras"])
    if given.get("password") is not None:
        values["password_hash"] = await accounts.passwords.hashed(checked_password(given["password"], name))
    if not values:
        raise Problem(400, "nothing is to be changed: give password, role, cameras or disabled")
    return values


def _scope(user: User) -> str:
    cameras = "all cameras" if user.cameras is None else f"cameras {' '.join(sorted(user.cameras)) or 'none'}"
    return f"{user.role}, {cameras}{', disabled' if user.disabled else ''}"


def _document(user: User) -> UserDocument:
    return UserDocument(
        name=user.name,
        role=user.role,
        cameras=sorted_cameras(user.cameras),
        disabled=user.disabled,
        created_at=user.created_at,
        updated_at=user.updated_at,
    )
