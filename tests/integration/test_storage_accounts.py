"""Accounts on both databases: what must hold when several replicas change them at once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from cluster.accounts.audit import AuditEntry
from cluster.accounts.audit_log import AuditFilter, AuditTable
from cluster.accounts.credential import Credential, CredentialKind
from cluster.accounts.principal import Principal, PrincipalKind, Role
from cluster.accounts.sessions import Session, SessionStore, hashed
from cluster.accounts.tickets import TakenTicket, TicketStore
from cluster.accounts.tokens import TokenStore
from cluster.accounts.users import UserStore
from cluster.safety.errors import AccountConflict, AccountError, AccountUnknown
from cluster.settings.sign_in import SignInSettings
from cluster.storage.account_tables import sessions, tickets

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = SignInSettings(session_idle_s=3600, session_max_s=86_400)
KIM = Principal("kim", Role.OPERATOR, frozenset({"gate-1"}))
BY_COOKIE = Credential(CredentialKind.SESSION, "ab" * 32)


async def opened(store: SessionStore, now: datetime | None = None) -> Session:
    session = await store.open("kim", "$hash", "10.0.0.9", now)
    assert session is not None
    return session


async def test_a_user_comes_back_as_he_was_added(engine: AsyncEngine) -> None:
    store = UserStore(engine)
    added = await store.add("kim", "$hash", Role.OPERATOR, frozenset({"gate-2", "gate-1"}))

    assert await store.get("kim") == added
    assert added.principal == Principal("kim", Role.OPERATOR, frozenset({"gate-1", "gate-2"}))
    assert await store.password_hash("kim") == "$hash"
    assert await store.get("lee") is None
    assert await store.password_hash("lee") is None
    assert await store.count() == 1


@pytest.mark.parametrize("name", ["", "Kim", "kim lee", "-kim", "kim\n", "x" * 65, "김"])
async def test_what_is_no_name_is_refused(engine: AsyncEngine, name: str) -> None:
    with pytest.raises(AccountError, match="a name has 1 to 64"):
        await UserStore(engine).add(name, "$hash", Role.VIEWER)


async def test_of_two_who_add_the_same_name_at_once_one_is_told(engine: AsyncEngine) -> None:
    store = UserStore(engine)
    answers = await asyncio.gather(
        *(store.add("kim", f"$hash {number}", Role.VIEWER) for number in range(4)), return_exceptions=True
    )

    assert sorted(type(answer).__name__ for answer in answers) == ["AccountConflict"] * 3 + ["User"]


async def test_an_admin_sees_all_cameras_or_is_none(engine: AsyncEngine) -> None:
    store = UserStore(engine)
    with pytest.raises(AccountError, match="sees all cameras"):
        await store.add("kim", "$hash", Role.ADMIN, frozenset({"gate-1"}))
    await store.add("kim", "$hash", Role.VIEWER, frozenset({"gate-1"}))
    with pytest.raises(AccountError, match="sees all cameras"):
        await store.change("kim", {"role": Role.ADMIN})

    assert (await store.change("kim", {"role": Role.ADMIN, "cameras": None})).role is Role.ADMIN


async def test_the_last_two_admins_cannot_go_at_once(engine: AsyncEngine) -> None:
    store = UserStore(engine)
    for name in ("kim", "lee"):
        await store.add(name, "$hash", Role.ADMIN)

    answers = await asyncio.gather(store.remove("kim"), store.change("lee", {"disabled": True}), return_exceptions=True)

    assert [type(answer) for answer in answers].count(AccountConflict) == 1
    assert [user.role for user in await store.list() if not user.disabled] == [Role.ADMIN]


async def test_who_is_not_there_cannot_be_changed(engine: AsyncEngine) -> None:
    for work in (UserStore(engine).change("kim", {"disabled": True}), UserStore(engine).remove("kim")):
        with pytest.raises(AccountUnknown, match="no user 'kim'"):
            await work


async def test_a_session_ends_when_nobody_asks_and_at_its_age(engine: AsyncEngine) -> None:
    await UserStore(engine).add("kim", "$hash", Role.OPERATOR, frozenset({"gate-1"}))
    store = SessionStore(engine, SETTINGS)
    session = await opened(store, NOON)

    async def known_after(hours: float) -> bool:
        return await store.find(session.session_id, NOON + timedelta(hours=hours)) is not None

    assert [await known_after(hours) for hours in (0, 0.9, 1.8, 2.7)] == [True] * 4
    assert not await known_after(3.8), "nobody asked for more than an hour"
    assert [await known_after(hours / 2) for hours in range(6, 48)] == [True] * 42
    assert not await known_after(24), "a day is the longest, however much is asked"


async def test_a_session_is_its_user_of_today_and_its_id_is_kept_nowhere(engine: AsyncEngine) -> None:
    users, store = UserStore(engine), SessionStore(engine, SETTINGS)
    await users.add("admin", "$hash", Role.ADMIN)
    await users.add("kim", "$hash", Role.OPERATOR)
    session = await opened(store)

    await users.change("kim", {"role": Role.VIEWER, "cameras": frozenset({"gate-2"})})
    found = await store.find(session.session_id)
    assert found is not None
    assert found.principal == Principal("kim", Role.VIEWER, frozenset({"gate-2"}))
    async with engine.connect() as connection:
        assert (await connection.execute(select(sessions.c.session_hash))).scalar_one() == hashed(session.session_id)
    assert session.session_id not in repr(session)

    await users.change("kim", {"disabled": True})
    assert await store.find(session.session_id) is None


@pytest.mark.parametrize("change", [{"password_hash": "$other"}, {"disabled": True}, None])
async def test_a_new_password_being_disabled_and_being_removed_end_sessions(engine: AsyncEngine, change: dict) -> None:  # type: ignore[type-arg]
    users, store = UserStore(engine), SessionStore(engine, SETTINGS)
    await users.add("kim", "$hash", Role.OPERATOR)
    session = await opened(store)
    await (users.remove("kim") if change is None else users.change("kim", change))

    assert await store.find(session.session_id) is None
    async with engine.connect() as connection:
        assert (await connection.execute(select(func.count()).select_from(sessions))).scalar_one() == 0


@pytest.mark.parametrize("change", [{"password_hash": "$other"}, {"disabled": True}, None])
async def test_a_sign_in_that_races_a_change_of_its_user_leaves_no_session(engine: AsyncEngine, change: dict) -> None:  # type: ignore[type-arg]
    users, store = UserStore(engine), SessionStore(engine, SETTINGS)
    await users.add("kim", "$hash", Role.OPERATOR)
    ending = users.remove("kim") if change is None else users.change("kim", change)
    await asyncio.gather(*(store.open("kim", "$hash", "10.0.0.9") for _ in range(3)), ending)

    assert await store.open("kim", "$hash", "10.0.0.9") is None, "what was proved before holds no more"
    async with engine.connect() as connection:
        assert (await connection.execute(select(func.count()).select_from(sessions))).scalar_one() == 0


async def test_of_two_who_change_a_password_by_the_same_old_one_the_second_is_refused(engine: AsyncEngine) -> None:
    users = UserStore(engine)
    await users.add("kim", "$hash", Role.OPERATOR)
    answers = await asyncio.gather(
        *(users.change("kim", {"password_hash": f"$new {number}"}, proved="$hash") for number in range(3)),
        return_exceptions=True,
    )

    assert sorted(type(answer).__name__ for answer in answers) == ["SignInRefused"] * 2 + ["User"]


async def test_sessions_that_ended_are_cleared_away(engine: AsyncEngine) -> None:
    await UserStore(engine).add("kim", "$hash", Role.OPERATOR)
    store = SessionStore(engine, SETTINGS)
    for hour in range(5):
        await opened(store, NOON + timedelta(hours=2 * hour))

    async with engine.connect() as connection:
        assert (await connection.execute(select(func.count()).select_from(sessions))).scalar_one() == 1


async def test_a_ticket_is_taken_once_also_by_many_at_once_and_for_30_s(engine: AsyncEngine) -> None:
    store = TicketStore(engine)
    ticket = (await store.give(KIM, BY_COOKIE, NOON)).ticket
    late = (await store.give(KIM, BY_COOKIE, NOON)).ticket

    taken = await asyncio.gather(*(store.take(ticket, NOON + timedelta(seconds=29)) for _ in range(5)))
    assert [one for one in taken if one is not None] == [TakenTicket(KIM, BY_COOKIE)]
    assert await store.take(late, NOON + timedelta(seconds=30)) is None
    assert await store.take("syt_guess", NOON) is None
    assert ticket not in repr(await store.give(KIM, BY_COOKIE, NOON + timedelta(hours=1)))
    async with engine.connect() as connection:
        assert (await connection.execute(select(func.count()).select_from(tickets))).scalar_one() == 1


async def test_a_token_is_revoked_for_ever(engine: AsyncEngine) -> None:
    store = TokenStore(engine)
    token = await store.add("wall", Role.VIEWER, frozenset({"gate-1"}), "admin", NOON + timedelta(days=9))

    assert await store.get(token.token_id) == token
    assert token.principal == Principal("wall", Role.VIEWER, frozenset({"gate-1"}), PrincipalKind.TOKEN)
    assert token.holds(NOON)
    assert not token.holds(NOON + timedelta(days=9))

    revoked = await store.revoke(token.token_id, NOON)
    assert (await store.revoke(token.token_id, NOON + timedelta(days=1))).revoked_at == revoked.revoked_at == NOON
    assert not revoked.holds(NOON)
    assert await store.list() == [revoked]
    with pytest.raises(AccountUnknown):
        await store.revoke("none")


async def test_only_expired_tokens_of_one_maker_are_forgotten(engine: AsyncEngine) -> None:
    store = TokenStore(engine)
    for maker in ("safe-yolo", "admin"):
        for days in (-1, 1):
            await store.add(f"{maker} {days}", Role.VIEWER, None, maker, NOON + timedelta(days=days))
    await store.clear_expired("safe-yolo", NOON)

    assert sorted(token.name for token in await store.list()) == ["admin -1", "admin 1", "safe-yolo 1"]


async def test_the_audit_is_paged_filtered_and_shows_no_secret(engine: AsyncEngine) -> None:
    store = AuditTable(engine)
    for number in range(7):
        who, action = ("kim", "camera.create") if number % 2 else ("lee", "sign_in")
        detail = f"rtsp://kim:S3cret@cam/{number}\nand more" + "x" * 999
        await store.record(AuditEntry(who, action, f"gate-{number}", detail, at=NOON + timedelta(hours=number)))

    first = await store.list(AuditFilter(), limit=4)
    second = await store.list(AuditFilter(), first.next_cursor, limit=4)
    assert [entry.subject for entry in (*first.entries, *second.entries)] == [f"gate-{n}" for n in range(6, -1, -1)]
    assert second.next_cursor is None
    assert all("S3cret" not in entry.detail and len(entry.detail) == 500 for entry in first.entries)

    async def subjects(wanted: AuditFilter) -> list[str]:
        return [entry.subject for entry in (await store.list(wanted)).entries]

    assert await subjects(AuditFilter(who="kim")) == ["gate-5", "gate-3", "gate-1"]
    assert await subjects(AuditFilter(action="sign_in", after=NOON + timedelta(hours=4))) == ["gate-6", "gate-4"]
    assert await subjects(AuditFilter(before=NOON + timedelta(hours=1))) == ["gate-0"]
