"""Who is signed in. The cookie holds a random id, the table its SHA-256 only."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cluster.accounts.credential import Credential, CredentialKind
from cluster.accounts.principal import Principal
from cluster.accounts.users import user_of
from cluster.settings.sign_in import SignInSettings
from cluster.storage.account_tables import sessions, users
from cluster.storage.transactions import Transactions

_PREFIX = "sys_"
"""`cluster.safety.redaction` knows it."""
_CSRF_PURPOSE = b"safe-yolo csrf 1"
_SEEN_EVERY = timedelta(seconds=60)
"""How exactly it is known when somebody last asked for something."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in. `session_id` is a secret; `csrf` is what his changes must carry."""

    session_id: str = field(repr=False)
    principal: Principal
    expires_at: datetime

    @property
    def csrf(self) -> str:
        """Made of the id, so that it needs no column and ends with it."""
        return hmac.new(self.session_id.encode(), _CSRF_PURPOSE, hashlib.sha256).hexdigest()

    @property
    def credential(self) -> Credential:
        return Credential(CredentialKind.SESSION, hashed(self.session_id))


class SessionStore:
    """Each method is one transaction; raises `DatabaseUnavailable`. Times are UTC."""

    def __init__(self, engine: AsyncEngine, settings: SignInSettings) -> None:
        self._transactions = Transactions(engine)
        self._idle = timedelta(seconds=settings.session_idle_s)
        self._longest = timedelta(seconds=settings.session_max_s)

    async def open(self, name: str, proved: str, address: str, now: datetime | None = None) -> Session | None:
        """A new session of the user `name`, who proved the password of which `proved` is kept.

        None: it is kept no more, or he may not sign in any more. His row is locked until the session is there, so
        that whoever changes the password or disables him at this moment finds the session and ends it. What has
        ended is cleared away on the way.
        """
        moment = now or datetime.now(UTC)
        same = (users.c.name == name, users.c.password_hash == proved, users.c.disabled.is_(False))

        async def work(connection: AsyncConnection) -> Session | None:
            row = (await connection.execute(select(users).where(*same).with_for_update())).first()
            if row is None:
                return None
            session = Session(_PREFIX + secrets.token_urlsafe(32), user_of(row).principal, moment + self._longest)
            ended = or_(sessions.c.expires_at <= moment, sessions.c.seen_at <= moment - self._idle)
            await connection.execute(delete(sessions).where(ended))
            await connection.execute(insert(sessions), _values(session, address, moment))
            return session

        return await self._transactions.write(work)

    async def find(self, session_id: str, now: datetime | None = None) -> Session | None:
        """None: it is none, it has ended, or its user may not sign in any more. The role is that of today."""
        if not session_id.startswith(_PREFIX):
            return None
        found = await self._held(hashed(session_id), now or datetime.now(UTC))
        return Session(session_id, *found) if found is not None else None

    async def holder(self, session_hash: str, now: datetime | None = None) -> Principal | None:
        """Whose session this is, as `find`. An open socket is a use of it: who watches is not idle."""
        found = await self._held(session_hash, now or datetime.now(UTC))
        return found[0] if found is not None else None

    async def _held(self, session_hash: str, now: datetime) -> tuple[Principal, datetime] | None:
        """Whose it is and when it ends; keeps that it was used."""
        query = (
            select(sessions.c.expires_at, sessions.c.seen_at, *users.c)
            .join(users, users.c.name == sessions.c.user_name)
            .where(
                sessions.c.session_hash == session_hash,
                sessions.c.expires_at > now,
                sessions.c.seen_at > now - self._idle,
                users.c.disabled.is_(False),
            )
        )

        async def work(connection: AsyncConnection) -> Row[Any] | None:
            return (await connection.execute(query)).first()

        row = await self._transactions.read(work)
        if row is None:
            return None
        if now - row.seen_at > min(_SEEN_EVERY, self._idle / 4):
            await self._see(session_hash, now)
        return user_of(row).principal, row.expires_at

    async def close(self, session_id: str) -> None:
        """Signs out; nothing happens where it has ended already."""

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(delete(sessions).where(sessions.c.session_hash == hashed(session_id)))

        await self._transactions.write(work)

    async def _see(self, session_hash: str, now: datetime) -> None:
        async def work(connection: AsyncConnection) -> None:
            seen = update(sessions).where(sessions.c.session_hash == session_hash).values(seen_at=now)
            await connection.execute(seen)

        await self._transactions.write(work)


def _values(session: Session, address: str, now: datetime) -> dict[str, Any]:
    return {
        "session_hash": hashed(session.session_id),
        "user_name": session.principal.name,
        "address": address[:64],
        "created_at": now,
        "seen_at": now,
        "expires_at": session.expires_at,
    }


def hashed(secret: str) -> str:
    """SHA-256 of a random secret of 256 bits, which needs no salt and no slowness."""
    return hashlib.sha256(secret.encode()).hexdigest()
