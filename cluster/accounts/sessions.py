"""Who is signed in. The cookie holds a random id, the table its SHA-256 only."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

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


class SessionStore:
    """Each method is one transaction; raises `DatabaseUnavailable`. Times are UTC."""

    def __init__(self, engine: AsyncEngine, settings: SignInSettings) -> None:
        self._transactions = Transactions(engine)
        self._idle = timedelta(seconds=settings.session_idle_s)
        self._longest = timedelta(seconds=settings.session_max_s)

    async def open(self, principal: Principal, address: str, now: datetime | None = None) -> Session:
        """A new session; what has ended is cleared away on the way."""
        now = now or datetime.now(UTC)
        session = Session(_PREFIX + secrets.token_urlsafe(32), principal, now + self._longest)
        values = {
            "session_hash": hashed(session.session_id),
            "user_name": principal.name,
            "address": address[:64],
            "created_at": now,
            "seen_at": now,
            "expires_at": session.expires_at,
        }

        async def work(connection: AsyncConnection) -> Session:
            ended = or_(sessions.c.expires_at <= now, sessions.c.seen_at <= now - self._idle)
            await connection.execute(delete(sessions).where(ended))
            await connection.execute(insert(sessions), values)
            return session

        return await self._transactions.write(work)

    async def find(self, session_id: str, now: datetime | None = None) -> Session | None:
        """None: it is none, it has ended, or its user may not sign in any more. The role is that of today."""
        if not session_id.startswith(_PREFIX):
            return None
        now = now or datetime.now(UTC)
        query = (
            select(sessions.c.expires_at, sessions.c.seen_at, *users.c)
            .join(users, users.c.name == sessions.c.user_name)
            .where(
                sessions.c.session_hash == hashed(session_id),
                sessions.c.expires_at > now,
                sessions.c.seen_at > now - self._idle,
                users.c.disabled.is_(False),
            )
        )

        async def work(connection: AsyncConnection) -> tuple[Session, datetime] | None:
            row = (await connection.execute(query)).first()
            return (Session(session_id, user_of(row).principal, row.expires_at), row.seen_at) if row else None

        found = await self._transactions.read(work)
        if found is None:
            return None
        if now - found[1] > min(_SEEN_EVERY, self._idle / 4):
            await self._see(session_id, now)
        return found[0]

    async def close(self, session_id: str) -> None:
        """Signs out; nothing happens where it has ended already."""

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(delete(sessions).where(sessions.c.session_hash == hashed(session_id)))

        await self._transactions.write(work)

    async def _see(self, session_id: str, now: datetime) -> None:
        async def work(connection: AsyncConnection) -> None:
            seen = update(sessions).where(sessions.c.session_hash == hashed(session_id)).values(seen_at=now)
            await connection.execute(seen)

        await self._transactions.write(work)


def hashed(secret: str) -> str:
    """SHA-256 of a random secret of 256 bits, which needs no salt and no slowness."""
    return hashlib.sha256(secret.encode()).hexdigest()
