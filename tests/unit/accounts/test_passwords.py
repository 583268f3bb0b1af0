"""Passwords: kept as argon2id, looked at off the event loop, few at once."""

import asyncio
import threading

import pytest
from argon2 import PasswordHasher
from counterparts.secrets_used import secret

from cluster.accounts.passwords import Passwords, checked_password
from cluster.safety.errors import AccountError, SignInSlowed

pytestmark = pytest.mark.anyio

RIGHT = secret("right")
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_password_is_kept_as_argon2id_with_salt_and_proved() -> None:
    passwords = Passwords(CHEAP)
    one, two = await passwords.hashed(RIGHT), await passwords.hashed(RIGHT)

    assert one.startswith("$argon2id$")
    assert one != two
    assert RIGHT not in one
    assert await passwords.proved(one, RIGHT)
    assert not await passwords.proved(one, RIGHT + " ")
    assert not await passwords.proved("no hash at all", RIGHT)


def test_what_is_used_in_service_is_what_rfc_9106_wants_at_least() -> None:
    chosen = PasswordHasher()

    assert (chosen.type.name, chosen.memory_cost >= 65_536, chosen.time_cost >= 3) == ("ID", True, True)


async def test_a_user_that_there_is_not_costs_a_look_too() -> None:
    looked: list[str] = []

    class Looking(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
            looked.append(str(hash))
            return super().verify(hash, password)

    passwords = Passwords(Looking(time_cost=1, memory_cost=8, parallelism=1))

    assert not await passwords.proved(None, RIGHT)
    assert not await passwords.proved(None, RIGHT)
    assert len(looked) == 2
    assert looked[0].startswith("$argon2id$v=19$m=8,t=1,p=1$")


async def test_parameters_that_rose_are_noticed() -> None:
    kept = await Passwords(CHEAP).hashed(RIGHT)

    assert Passwords().is_weaker(kept)
    assert not Passwords(CHEAP).is_weaker(kept)


async def test_no_more_than_a_few_wait_and_the_event_loop_goes_on() -> None:
    gate = threading.Event()

    class Hanging(PasswordHasher):
        def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
            gate.wait(20)
            return super().hash(password, salt=salt)

    passwords = Passwords(Hanging(time_cost=1, memory_cost=8, parallelism=1))
    waiting = [asyncio.create_task(passwords.hashed(RIGHT)) for _ in range(32)]
    await asyncio.sleep(0)
    try:
        with pytest.raises(SignInSlowed):
            await passwords.hashed(RIGHT)
    finally:
        gate.set()
    assert len(await asyncio.gather(*waiting)) == 32
    assert await passwords.hashed(RIGHT)


@pytest.mark.parametrize("password", ["", "short", "x" * 9, "x" * 257, "LongEnoughName"])
def test_what_may_not_be_a_password_is_refused_without_being_shown(password: str) -> None:
    with pytest.raises(AccountError) as refused:
        checked_password(password, "longenoughname")

    assert password not in str(refused.value) or not password
