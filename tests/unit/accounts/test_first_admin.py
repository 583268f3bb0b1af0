"""The first admin out of the environment: once, where nobody is yet, and never in a log."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from counterparts.secrets_used import secret
from counterparts.signed_in import open_cheaply
from structlog.testing import capture_logs

from cluster.accounts.accounts import Accounts
from cluster.accounts.first_admin import first_admin_of
from cluster.accounts.passwords import Passwords
from cluster.accounts.principal import Role
from cluster.settings.site import DatabaseSettings, SiteSettings
from cluster.storage.engine import create_engine
from cluster.storage.schema import migrate

pytestmark = pytest.mark.anyio

GOOD = {"SAFE_YOLO_ADMIN": "boss", "SAFE_YOLO_ADMIN_PASSWORD": secret("boss")}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def accounts(tmp_path: Path) -> AsyncIterator[Accounts]:
    """Of a site without users."""
    site = SiteSettings(name="test", data_dir=tmp_path, database=DatabaseSettings(url=""))
    migrate(site)
    engine = create_engine(site)
    yield open_cheaply(engine)
    await engine.dispose()


async def test_a_site_without_users_gets_one_admin_who_can_sign_in(accounts: Accounts) -> None:
    with capture_logs() as lines:
        await first_admin_of(GOOD, accounts.users, accounts.passwords)
        await first_admin_of(GOOD | {"SAFE_YOLO_ADMIN": "second"}, accounts.users, accounts.passwords)

    assert [(user.name, user.role) for user in await accounts.users.list()] == [("boss", Role.ADMIN)]
    assert (await accounts.sign_in("boss", GOOD["SAFE_YOLO_ADMIN_PASSWORD"], "10.0.0.9")).principal.role is Role.ADMIN
    assert GOOD["SAFE_YOLO_ADMIN_PASSWORD"] not in str(lines)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"SAFE_YOLO_ADMIN": "boss"},
        GOOD | {"SAFE_YOLO_ADMIN_PASSWORD": "short"},
        GOOD | {"SAFE_YOLO_ADMIN": "B oss"},
    ],
)
async def test_what_is_no_name_or_password_makes_nobody_and_stops_nobody(
    accounts: Accounts, environment: dict[str, str]
) -> None:
    await first_admin_of(environment, accounts.users, accounts.passwords)

    assert await accounts.users.count() == 0


async def test_a_database_that_is_away_stops_nobody(tmp_path: Path) -> None:
    accounts = open_cheaply(
        create_engine(SiteSettings(name="test", data_dir=tmp_path / "nowhere", database=DatabaseSettings(url="")))
    )
    with capture_logs() as lines:
        await first_admin_of(GOOD, accounts.users, accounts.passwords)

    assert [line["event"] for line in lines] == ["first_admin_not_made"]


async def test_a_password_kept_with_weaker_parameters_is_kept_with_todays_after_a_sign_in(accounts: Accounts) -> None:
    await first_admin_of(GOOD, accounts.users, accounts.passwords)
    weaker = await accounts.users.password_hash("boss")
    accounts.passwords = Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    session = await accounts.sign_in("boss", GOOD["SAFE_YOLO_ADMIN_PASSWORD"], "10.0.0.9")

    assert (await accounts.users.password_hash("boss") or "").split("$")[3] == "m=16,t=2,p=1"
    assert weaker != await accounts.users.password_hash("boss")
    assert await accounts.session(session.session_id) is not None, "nobody is signed out by it"
