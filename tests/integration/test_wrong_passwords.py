"""Wrong passwords on both databases, counted by several replicas together."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher
from counterparts.secrets_used import secret
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from cluster.accounts.accounts import Accounts
from cluster.accounts.passwords import Passwords
from cluster.accounts.principal import Role
from cluster.accounts.shared_slowing import SharedSlowing, WrongPasswords
from cluster.safety.errors import DatabaseUnavailable, SignInRefused, SignInSlowed
from cluster.settings.sign_in import SignInSettings
from cluster.storage.account_tables import wrong_passwords

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOME, SECRET, PASSWORD = "10.0.0.9", secret("s" * 32), secret("right password")
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def table(engine: AsyncEngine) -> WrongPasswords:
    return WrongPasswords(engine, SECRET, most_keys=4)


async def kept(engine: AsyncEngine) -> dict[str, int]:
    async with engine.connect() as connection:
        return {row.key_hash: row.wrong for row in await connection.execute(select(wrong_passwords))}


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


async def test_guesses_at_one_replica_slow_the_user_at_another(engine: AsyncEngine) -> None:
    replicas = [Accounts(engine, SignInSettings(), SECRET, passwords=Passwords(CHEAP)) for _ in range(3)]
    await replicas[0].users.add("kim", CHEAP.hash(PASSWORD), Role.OPERATOR)
    for number in range(5):
        with pytest.raises(SignInRefused):
            await replicas[number % 2].sign_in("kim", f"wrong {number}", HOME)

    with pytest.raises(SignInSlowed):
        await replicas[2].sign_in("kim", PASSWORD, HOME)
    for replica in replicas:
        replica.close()


async def test_many_at_once_count_as_many_and_the_wait_doubles(table: WrongPasswords, engine: AsyncEngine) -> None:
    await table.attempt("kim", HOME, NOON)
    await asyncio.gather(*(table.attempt("kim", HOME, NOON) for _ in range(4)))

    assert await table.attempt("kim", HOME, later(0)) == 1.0
    assert await table.attempt("kim", HOME, later(1)) == 0.0
    assert await table.attempt("kim", HOME, later(1.5)) == 1.5
    assert await table.attempt("kim", HOME, later(0)) == 2.0, "another node's clock is behind"
    assert sorted((await kept(engine)).values()) == [6, 6]


async def test_who_gets_it_right_begins_anew_and_his_house_does_not(table: WrongPasswords, engine: AsyncEngine) -> None:
    for _ in range(3):
        await table.attempt("kim", HOME, NOON)
    await table.succeeded("kim", HOME)

    assert list((await kept(engine)).values()) == [2]


async def test_what_nobody_could_judge_does_not_count(table: WrongPasswords, engine: AsyncEngine) -> None:
    await table.attempt("kim", HOME, NOON)
    for _ in range(2):
        await table.withdrawn("kim", HOME)

    assert list((await kept(engine)).values()) == [0, 0]


async def test_after_a_quarter_of_an_hour_it_is_forgotten(table: WrongPasswords, engine: AsyncEngine) -> None:
    for _ in range(5):
        await table.attempt("kim", HOME, NOON)

    assert await table.attempt("kim", HOME, later(900)) == 0.0
    assert sorted((await kept(engine)).values()) == [1, 1]


async def test_the_table_is_cleared_of_what_is_old_and_of_too_much(table: WrongPasswords, engine: AsyncEngine) -> None:
    for number in range(6):
        await table.attempt(f"user {number}", f"10.0.1.{number}", later(number))
    await table.clear(later(10))
    assert len(await kept(engine)) == 4, "the newest"

    await table.clear(later(904.5))
    assert len(await kept(engine)) == 2
    await table.clear(later(2000))
    assert await kept(engine) == {}


async def test_no_name_and_no_address_is_kept(table: WrongPasswords, engine: AsyncEngine) -> None:
    await table.attempt(PASSWORD, HOME, NOON)

    assert all(len(key) == 64 and PASSWORD not in key and HOME not in key for key in await kept(engine))
    other = WrongPasswords(engine, secret("t" * 32))
    await other.attempt(PASSWORD, HOME, NOON)
    assert len(await kept(engine)) == 4, "without the site's secret nobody can try out what they stand for"


async def test_while_the_database_is_away_the_memory_of_the_replica_does() -> None:
    class Away:
        async def attempt(self, *_: object) -> float:
            raise DatabaseUnavailable("connection refused")

        succeeded = withdrawn = clear = attempt

    slowing = SharedSlowing(Away())  # type: ignore[arg-type]
    for _ in range(5):
        await slowing.attempt("kim", HOME)

    with pytest.raises(SignInSlowed):
        await slowing.attempt("kim", HOME)
    await slowing.succeeded("kim", HOME)
    await slowing.attempt("kim", HOME)
    await slowing.withdrawn("kim", HOME)
