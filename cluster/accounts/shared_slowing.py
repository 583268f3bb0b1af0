"""Wrong passwords that all replicas count together, so that a guesser gains nothing by asking each of them."""

import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import structlog
from sqlalchemy import Delete, Update, case, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cluster.accounts.slowing import FORGET_AFTER_S, MOST_KEYS, Patience, Slowing, keys_of, slowed
from cluster.safety.errors import DatabaseUnavailable
from cluster.storage.account_tables import wrong_passwords
from cluster.storage.transactions import Transactions
from cluster.storage.upsert import insert_into

Answer = TypeVar("Answer")
_log = structlog.get_logger()
_PURPOSE = b"safe-yolo wrong passwords 1"
_FORGET_AFTER = timedelta(seconds=FORGET_AFTER_S)
_CLEAR_EVERY_S = 60.0


class WrongPasswords:
    """The table. Each method is one transaction; raises `DatabaseUnavailable`. Rows are locked user first, then
    address, so that no two wait for each other."""

    def __init__(self, engine: AsyncEngine, secret: str, most_keys: int = MOST_KEYS) -> None:
        self._transactions, self._most_keys = Transactions(engine), most_keys
        self._key = hmac.new(secret.encode(), _PURPOSE, hashlib.sha256).digest()

    async def attempt(self, name: str, address: str, now: datetime | None = None) -> float:
        """Seconds to wait before an attempt is looked at; 0: this one is, and counts as wrong until `succeeded`."""
        moment = now or datetime.now(UTC)
        keys = self._hashed(name, address)

        async def work(connection: AsyncConnection) -> float:
            wait_s = max([await _left_s(connection, key, patience, moment) for key, patience in keys])
            if wait_s <= 0:
                for key, _ in keys:
                    await _count(connection, key, moment)
            return wait_s

        return await self._transactions.write(work)

    async def succeeded(self, name: str, address: str) -> None:
        """As `Slowing.succeeded`."""
        (user, _), (house, _) = self._hashed(name, address)
        await self._run(delete(wrong_passwords).where(wrong_passwords.c.key_hash == user), _one_less(house))

    async def withdrawn(self, name: str, address: str) -> None:
        """As `Slowing.withdrawn`."""
        await self._run(*(_one_less(key) for key, _ in self._hashed(name, address)))

    async def clear(self, now: datetime | None = None) -> None:
        """Forgets what is old, and the oldest where there is too much."""
        oldest = (now or datetime.now(UTC)) - _FORGET_AFTER
        at = wrong_passwords.c.at
        beyond = select(at).order_by(at.desc()).offset(self._most_keys).limit(1)

        async def work(connection: AsyncConnection) -> None:
            first = (await connection.execute(beyond)).scalar()
            await connection.execute(delete(wrong_passwords).where(at <= max(oldest, first or oldest)))

        await self._transactions.write(work)

    async def _run(self, *statements: Delete | Update) -> None:
        async def work(connection: AsyncConnection) -> None:
            for statement in statements:
                await connection.execute(statement)

        await self._transactions.write(work)

    def _hashed(self, name: str, address: str) -> list[tuple[str, Patience]]:
        """Keyed, because what stands in the field of the name may be a password."""
        return [
            (hmac.new(self._key, key.encode(errors="replace"), hashlib.sha256).hexdigest(), patience)
            for key, patience in keys_of(name, address)
        ]


class SharedSlowing:
    """The table, and the memory of this replica before it: what is slowed here costs the database nothing, and while
    the database is away the memory has to do. Belongs to one event loop."""

    def __init__(
        self, shared: WrongPasswords, own: Slowing | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._shared, self._own, self._clock = shared, own or Slowing(), clock
        self._cleared_s = clock()

    async def attempt(self, name: str, address: str) -> None:
        """Raises SignInSlowed as `Slowing.attempt`."""
        self._own.attempt(name, address)
        wait_s = await self._asked(self._shared.attempt(name, address))
        if wait_s is not None and wait_s > 0:
            self._own.withdrawn(name, address)
            raise slowed(wait_s)
        if self._clock() - self._cleared_s > _CLEAR_EVERY_S:
            self._cleared_s = self._clock()
            await self._asked(self._shared.clear())

    async def succeeded(self, name: str, address: str) -> None:
        self._own.succeeded(name, address)
        await self._asked(self._shared.succeeded(name, address))

    async def withdrawn(self, name: str, address: str) -> None:
        self._own.withdrawn(name, address)
        await self._asked(self._shared.withdrawn(name, address))

    async def _asked(self, asking: Awaitable[Answer]) -> Answer | None:
        """None: nobody could say. The attempt itself finds out whether the database is away."""
        try:
            return await asking
        except DatabaseUnavailable as error:
            _log.warning("wrong_passwords_not_shared", reason=error.reason)
            return None


async def _left_s(connection: AsyncConnection, key: str, patience: Patience, now: datetime) -> float:
    """Seconds that `key` is still to wait; its row stays locked."""
    query = select(wrong_passwords).where(wrong_passwords.c.key_hash == key).with_for_update()
    row = (await connection.execute(query)).first()
    if row is None or row.at <= now - _FORGET_AFTER:
        return 0.0
    # Two nodes' clocks: what was counted in the future was counted now.
    gone_s: float = (now - row.at).total_seconds()
    return patience.wait_s(row.wrong) - max(0.0, gone_s)


async def _count(connection: AsyncConnection, key: str, now: datetime) -> None:
    insert = insert_into(connection, wrong_passwords, {"key_hash": key, "wrong": 1, "at": now})
    was_forgotten = wrong_passwords.c.at <= now - _FORGET_AFTER
    wrong = case((was_forgotten, 1), else_=wrong_passwords.c.wrong + 1)
    counted = insert.on_conflict_do_update(
        index_elements=[wrong_passwords.c.key_hash], set_={"wrong": wrong, "at": now}
    )
    await connection.execute(counted)


def _one_less(key: str) -> Update:
    counted = (wrong_passwords.c.key_hash == key, wrong_passwords.c.wrong > 0)
    return update(wrong_passwords).where(*counted).values(wrong=wrong_passwords.c.wrong - 1)
