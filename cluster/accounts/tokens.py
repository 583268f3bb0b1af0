"""Bearer tokens of programs: signed, so that a guess costs no question to the database, and revocable by a row."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cluster.accounts.principal import Principal, PrincipalKind, Role
from cluster.accounts.users import check_scope
from cluster.safety.errors import AccountUnknown
from cluster.storage.account_tables import tokens
from cluster.storage.transactions import Transactions

_PURPOSE = b"safe-yolo bearer 1"
"""The same secret signs other things: what is signed there must be worth nothing here."""
_ALGORITHM = "HS256"
_ISSUER = "safe-yolo"
_LONGEST_TOKEN = 4096


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token. `cameras` None: all of them. Times are UTC."""

    token_id: str
    name: str
    role: Role
    cameras: frozenset[str] | None
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    @property
    def principal(self) -> Principal:
        return Principal(self.name, self.role, self.cameras, PrincipalKind.TOKEN)

    def holds(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at


class TokenSigner:
    """Signs and proves with a key of its own, made of the site's secret."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.new(secret.encode(), _PURPOSE, hashlib.sha256).digest()

    def signed(self, token: Token) -> str:
        """What the program carries: sub, role, cameras, jti, iat, exp."""
        claims: dict[str, Any] = {
            "iss": _ISSUER,
            "sub": token.name,
            "role": token.role.value,
            "jti": token.token_id,
            "iat": token.created_at,
            "exp": token.expires_at,
        }
        if token.cameras is not None:
            claims["cameras"] = sorted(token.cameras)
        return jwt.encode(claims, self._key, _ALGORITHM)

    def proved_id(self, text: str) -> str | None:
        """The `token_id` in `text`; None: not signed here, changed, or expired."""
        if len(text) > _LONGEST_TOKEN:
            return None
        try:
            options: Any = {"require": ["exp", "jti", "iss"]}
            claims = jwt.decode(text, self._key, [_ALGORITHM], options, issuer=_ISSUER)
        except jwt.InvalidTokenError:
            return None
        return str(claims["jti"])


class TokenStore:
    """Each method is one transaction; raises `DatabaseUnavailable`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._transactions = Transactions(engine)

    async def add(
        self, name: str, role: Role, cameras: frozenset[str] | None, created_by: str, expires_at: datetime
    ) -> Token:
        """A new token; raises AccountError for an admin that there may not be."""
        check_scope(role, cameras)
        # JWT counts whole seconds.
        now = datetime.now(UTC).replace(microsecond=0)
        token = Token(secrets.token_hex(8), name, role, cameras, created_by, now, expires_at.replace(microsecond=0))
        values = {
            "token_id": token.token_id,
            "name": name,
            "role": role.value,
            "cameras": None if cameras is None else sorted(cameras),
            "created_by": created_by,
            "created_at": now,
            "expires_at": token.expires_at,
        }

        async def work(connection: AsyncConnection) -> Token:
            await connection.execute(insert(tokens), values)
            return token

        return await self._transactions.write(work)

    async def get(self, token_id: str) -> Token | None:
        async def work(connection: AsyncConnection) -> Token | None:
            row = (await connection.execute(select(tokens).where(tokens.c.token_id == token_id))).first()
            return _token(row) if row is not None else None

        return await self._transactions.read(work)

    async def list(self, limit: int = 500) -> Sequence[Token]:
        """The newest first, revoked and expired ones too."""

        async def work(connection: AsyncConnection) -> Sequence[Token]:
            query = select(tokens).order_by(tokens.c.created_at.desc(), tokens.c.token_id).limit(limit)
            return [_token(row) for row in await connection.execute(query)]

        return await self._transactions.read(work)

    async def revoke(self, token_id: str, now: datetime | None = None) -> Token:
        """For ever; again is no fault.

        Raises:
            AccountUnknown: there is no such token.
        """

        async def work(connection: AsyncConnection) -> Token:
            still = (tokens.c.token_id == token_id, tokens.c.revoked_at.is_(None))
            await connection.execute(update(tokens).where(*still).values(revoked_at=now or datetime.now(UTC)))
            row = (await connection.execute(select(tokens).where(tokens.c.token_id == token_id))).first()
            if row is None:
                raise AccountUnknown(f"there is no token {token_id[:80]!r}")
            return _token(row)

        return await self._transactions.write(work)

    async def clear_expired(self, created_by: str, now: datetime) -> None:
        """Forgets the expired ones of a maker who makes many."""

        async def work(connection: AsyncConnection) -> None:
            old = (tokens.c.created_by == created_by, tokens.c.expires_at <= now)
            await connection.execute(delete(tokens).where(*old))

        await self._transactions.write(work)


def _token(row: Row[Any]) -> Token:
    cameras = None if row.cameras is None else frozenset(row.cameras)
    return Token(
        row.token_id,
        row.name,
        Role(row.role),
        cameras,
        row.created_by,
        row.created_at,
        row.expires_at,
        row.revoked_at,
    )
