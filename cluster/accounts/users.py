"""People who may sign in."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cluster.accounts.principal import Principal, Role
from cluster.safety.errors import AccountConflict, AccountError, AccountUnknown, SignInRefused
from cluster.storage.account_tables import sessions, users
from cluster.storage.transactions import Transactions

NAME = r"^[a-z0-9][a-z0-9._@-]{0,63}$"


@dataclass(frozen=True, slots=True)
class User:
    """A row without its password. `cameras` None: all of them."""

    name: str
    role: Role
    cameras: frozenset[str] | None
    disabled: bool
    created_at: datetime
    updated_at: datetime

    @property
    def principal(self) -> Principal:
        return Principal(self.name, self.role, self.cameras)


class UserStore:
    """Each method is one transaction; raises `DatabaseUnavailable`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._transactions = Transactions(engine)

    async def add(self, name: str, password_hash: str, role: Role, cameras: frozenset[str] | None = None) -> User:
        """A new user.

        Raises:
            AccountError: this is no name, or no admin that there may be.
            AccountConflict: there is such a user.
        """
        if not re.fullmatch(NAME, name):
            raise AccountError("a name has 1 to 64 of a-z, 0-9 and . _ @ -, and begins with a letter or digit")
        check_scope(role, cameras)
        now = datetime.now(UTC)
        user = User(name, role, cameras, disabled=False, created_at=now, updated_at=now)

        async def work(connection: AsyncConnection) -> User:
            if await _row(connection, name) is not None:
                raise AccountConflict(f"there is a user {name!r}", "choose another name")
            await connection.execute(insert(users), {"password_hash": password_hash, **_values(user)})
            return user

        return await self._transactions.write(_or_conflict(work, name))

    async def get(self, name: str) -> User | None:
        async def work(connection: AsyncConnection) -> User | None:
            row = await _row(connection, name)
            return user_of(row) if row is not None else None

        return await self._transactions.read(work)

    async def password_hash(self, name: str) -> str | None:
        """None: there is no such user, or he is disabled."""

        async def work(connection: AsyncConnection) -> str | None:
            row = await _row(connection, name)
            return str(row.password_hash) if row is not None and not row.disabled else None

        return await self._transactions.read(work)

    async def list(self, after: str = "", limit: int = 200) -> Sequence[User]:
        """By name, those behind `after`."""

        async def work(connection: AsyncConnection) -> Sequence[User]:
            query = select(users).where(users.c.name > after).order_by(users.c.name).limit(limit)
            return [user_of(row) for row in await connection.execute(query)]

        return await self._transactions.read(work)

    async def count(self) -> int:
        async def work(connection: AsyncConnection) -> int:
            return int((await connection.execute(select(func.count()).select_from(users))).scalar_one())

        return await self._transactions.read(work)

    async def change(self, name: str, changed: dict[str, Any], proved: str | None = None) -> User:
        """Changes `role`, `cameras`, `disabled` or `password_hash`; whoever loses something signs in again.

        `proved`: what was kept of the password that who asks has proved.

        Raises:
            SignInRefused: another password than `proved` is kept by now.
            AccountUnknown: there is no such user.
            AccountError: an admin that there may not be.
            AccountConflict: nobody would be left who may administer.
        """

        async def work(connection: AsyncConnection) -> User:
            before = await self._locked(connection, name)
            values = {"updated_at": datetime.now(UTC), **_stored(changed)}
            same = [users.c.name == name, *([users.c.password_hash == proved] if proved is not None else [])]
            after = (await connection.execute(update(users).where(*same).values(values).returning(*users.c))).first()
            if after is None:
                raise SignInRefused("the old password is wrong")
            check_scope(Role(after.role), after.cameras)
            if _administers(before) and not _administers(after):
                await _refuse_nobody_left(connection)
            if "password_hash" in changed or after.disabled:
                await connection.execute(delete(sessions).where(sessions.c.user_name == name))
            return user_of(after)

        return await self._transactions.write(work)

    async def strengthen(self, name: str, weaker: str, password_hash: str) -> None:
        """The same password, kept with today's parameters; nobody is signed out."""

        async def work(connection: AsyncConnection) -> None:
            same = (users.c.name == name, users.c.password_hash == weaker)
            await connection.execute(update(users).where(*same).values(password_hash=password_hash))

        await self._transactions.write(work)

    async def remove(self, name: str) -> None:
        """Raises as `change`."""

        async def work(connection: AsyncConnection) -> None:
            before = await self._locked(connection, name)
            await connection.execute(delete(users).where(users.c.name == name))
            if _administers(before):
                await _refuse_nobody_left(connection)

        await self._transactions.write(work)

    async def _locked(self, connection: AsyncConnection, name: str) -> Row[Any]:
        """The row; no other transaction changes any administrator meanwhile, so that the last two cannot go at once."""
        await connection.execute(
            select(users.c.name).where(users.c.role == Role.ADMIN.value).order_by(users.c.name).with_for_update()
        )
        row = await _row(connection, name)
        if row is None:
            raise AccountUnknown(f"there is no user {name[:80]!r}")
        return row


def check_scope(role: Role, cameras: Collection[str] | None) -> None:
    """Raises AccountError: an admin makes users, and who sees some cameras only would let himself see the others."""
    if role is Role.ADMIN and cameras is not None:
        raise AccountError("an admin sees all cameras", "leave cameras out, or give another role")


def user_of(row: Row[Any]) -> User:
    """`row` has the columns of the users table."""
    cameras = None if row.cameras is None else frozenset(row.cameras)
    return User(row.name, Role(row.role), cameras, row.disabled, row.created_at, row.updated_at)


def _administers(row: Row[Any]) -> bool:
    return bool(row.role == Role.ADMIN.value and not row.disabled)


async def _row(connection: AsyncConnection, name: str) -> Row[Any] | None:
    return (await connection.execute(select(users).where(users.c.name == name))).first()


async def _refuse_nobody_left(connection: AsyncConnection) -> None:
    query = select(users).where(users.c.role == Role.ADMIN.value)
    if not any(_administers(row) for row in await connection.execute(query)):
        raise AccountConflict("nobody would be left who may administer", "make another admin first")


def _values(user: User) -> dict[str, Any]:
    names = ("name", "role", "cameras", "disabled", "created_at", "updated_at")
    return _stored({name: getattr(user, name) for name in names})


def _stored(values: dict[str, Any]) -> dict[str, Any]:
    stored = dict(values)
    if stored.get("cameras") is not None:
        stored["cameras"] = sorted(stored["cameras"])
    if "role" in stored:
        stored["role"] = Role(stored["role"]).value
    return stored


def _or_conflict(work: Any, name: str) -> Any:
    """Two who add the same name at once: the second one finds it in the index."""

    async def guarded(connection: AsyncConnection) -> Any:
        try:
            return await work(connection)
        except IntegrityError as error:
            raise AccountConflict(f"there is a user {name!r}", "choose another name") from error

    return guarded
