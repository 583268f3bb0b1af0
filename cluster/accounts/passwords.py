"""argon2id, off the event loop: a password costs 64 MiB and a tenth of a second, so few are looked at at once."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cluster.safety.errors import AccountError, SignInSlowed

Result = TypeVar("Result")

SHORTEST, LONGEST = 10, 256
_THREADS = 2
_MOST_WAITING = 32


def checked_password(password: str, name: str) -> str:
    """`password`, if it may be one of `name`.

    Raises:
        AccountError: too short, too long, or the name itself.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise AccountError(f"a password has {SHORTEST} to {LONGEST} characters", "choose another one")
    if password.casefold() == name.casefold():
        raise AccountError("a password is not the name", "choose another one")
    return password


class Passwords:
    """Hashes and proves passwords in threads of its own. Belongs to one event loop."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._threads = ThreadPoolExecutor(_THREADS, "passwords")
        self._waiting = 0
        self._nobody = ""

    async def hashed(self, password: str) -> str:
        """What is kept of `password`: parameters, salt and hash in one text."""
        return await self._in_thread(partial(self._hasher.hash, password))

    async def proved(self, kept: str | None, password: str) -> bool:
        """Whether `password` is the one that `kept` was made of; None: of a user that there is not, as slowly."""
        if kept is None:
            self._nobody = self._nobody or await self.hashed(secrets.token_hex())
            kept, password = self._nobody, f"{password}\x00"
        return await self._in_thread(partial(self._proved, kept, password))

    def is_weaker(self, kept: str) -> bool:
        """Whether `kept` was made with other parameters than new ones are, and is to be made anew."""
        return self._hasher.check_needs_rehash(kept)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _proved(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        """Raises SignInSlowed where too many wait: each of them holds memory."""
        if self._waiting >= _MOST_WAITING:
            raise SignInSlowed("too many passwords are looked at", "try again", 1.0)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1
