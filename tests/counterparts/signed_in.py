"""Accounts on a SQLite of their own, with one user of each role, for tests of whoever stands at the door."""

import asyncio
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from argon2 import PasswordHasher
from counterparts.secrets_used import secret
from sqlalchemy.ext.asyncio import AsyncEngine

from cluster.accounts.accounts import Accounts
from cluster.accounts.passwords import Passwords
from cluster.accounts.principal import Role
from cluster.accounts.tokens import TokenSigner
from cluster.settings.sign_in import SignInSettings
from cluster.settings.site import DatabaseSettings, SiteSettings
from cluster.storage.engine import create_engine
from cluster.storage.schema import migrate

SECRET = secret("x" * 32)
PASSWORD = secret("password")
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Guessing these would be easy; tests that sign in a hundred times have no time for more."""
_HASH = CHEAP.hash(PASSWORD)
_SOON = timedelta(days=1)


@dataclass(frozen=True)
class Tokens:
    """Bearer tokens, each of another kind; those of `other` see no camera but gate-2."""

    viewer: str
    operator: str
    admin: str
    other: str
    revoked: str
    expired: str
    foreign: str

    def header(self, name: str) -> dict[str, str]:
        """Of the token called so; "nobody" sends none."""
        return {} if name == "nobody" else {"Authorization": f"Bearer {getattr(self, name)}"}


class AccountsSite:
    """A migrated SQLite with users `viewer`, `operator`, `admin` and `other`, all with `PASSWORD`."""

    def __init__(self, folder: Path) -> None:
        self.settings = SiteSettings(name="test", data_dir=folder, database=DatabaseSettings(url=""))
        migrate(self.settings)
        self.tokens = asyncio.run(self._filled())

    def copied(self, folder: Path) -> SiteSettings:
        """The same site in another folder: a migration takes longer than a copy."""
        shutil.copytree(self.settings.data_dir, folder, dirs_exist_ok=True)
        return self.settings.model_copy(update={"data_dir": folder})

    async def _filled(self) -> Tokens:
        engine = create_engine(self.settings)
        accounts = open_cheaply(engine)
        try:
            for name, role in (("viewer", Role.VIEWER), ("operator", Role.OPERATOR), ("admin", Role.ADMIN)):
                await accounts.users.add(name, _HASH, role)
            await accounts.users.add("other", _HASH, Role.VIEWER, frozenset({"gate-2"}))
            return await _tokens(accounts)
        finally:
            await engine.dispose()


def open_cheaply(engine: AsyncEngine, **settings: object) -> Accounts:
    """Accounts with passwords that cost nothing; as `engine`, for one event loop."""
    return Accounts(engine, SignInSettings.model_validate(settings), SECRET, passwords=Passwords(CHEAP))


async def _tokens(accounts: Accounts) -> Tokens:
    soon = datetime.now(UTC) + _SOON
    made = {
        name: await accounts.tokens.add(name, role, cameras, "admin", soon)
        for name, role, cameras in (
            ("viewer", Role.VIEWER, None),
            ("operator", Role.OPERATOR, None),
            ("admin", Role.ADMIN, None),
            ("other", Role.VIEWER, frozenset({"gate-2"})),
            ("revoked", Role.ADMIN, None),
        )
    }
    await accounts.tokens.revoke(made["revoked"].token_id)
    signed = {name: accounts.signer.signed(token) for name, token in made.items()}
    expired = replace(made["admin"], expires_at=datetime.now(UTC) - timedelta(seconds=1))
    foreign = TokenSigner("another secret of 32 bytes or so").signed(made["admin"])
    return Tokens(**signed, expired=accounts.signer.signed(expired), foreign=foreign)
