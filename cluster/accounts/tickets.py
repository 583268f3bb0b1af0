"""What opens one socket once: a browser cannot send a header with a socket, and an address ends up in logs."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cluster.accounts.credential import Credential, CredentialKind
from cluster.accounts.principal import Principal, PrincipalKind, Role
from cluster.accounts.sessions import hashed
from cluster.storage.account_tables import tickets
from cluster.storage.transactions import Transactions

_PREFIX = "syt_"
"""`cluster.safety.redaction` knows it."""
_GOOD_FOR = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Ticket:
    """`ticket` is a secret until it is used."""

    ticket: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TakenTicket:
    """Whose it was when it was given, and by what; None: the release before gave it, which did not keep that."""

    principal: Principal
    credential: Credential | None


class TicketStore:
    """Each method is one transaction; raises `DatabaseUnavailable`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._transactions = Transactions(engine)

    async def give(self, principal: Principal, credential: Credential, now: datetime | None = None) -> Ticket:
        """A ticket for `principal`, good for 30 s; what has expired is cleared away on the way."""
        now = now or datetime.now(UTC)
        ticket = Ticket(_PREFIX + secrets.token_urlsafe(32), now + _GOOD_FOR)
        values = {
            "ticket_hash": hashed(ticket.ticket),
            "kind": principal.kind.value,
            "name": principal.name,
            "role": principal.role.value,
            "cameras": None if principal.cameras is None else sorted(principal.cameras),
            "expires_at": ticket.expires_at,
            "credential_kind": credential.kind.value,
            "credential_row": credential.row,
        }

        async def work(connection: AsyncConnection) -> Ticket:
            await connection.execute(delete(tickets).where(tickets.c.expires_at <= now))
            await connection.execute(insert(tickets), values)
            return ticket

        return await self._transactions.write(work)

    async def take(self, ticket: str, now: datetime | None = None) -> TakenTicket | None:
        """Whose it is; None: it is none, was used, or is too old. Of two who come at once one gets it."""
        if not ticket.startswith(_PREFIX):
            return None
        moment = now or datetime.now(UTC)

        async def work(connection: AsyncConnection) -> TakenTicket | None:
            mine = (tickets.c.ticket_hash == hashed(ticket), tickets.c.expires_at > moment)
            row = (await connection.execute(delete(tickets).where(*mine).returning(*tickets.c))).first()
            return _taken(row) if row is not None else None

        return await self._transactions.write(work)


def _taken(row: Row[Any]) -> TakenTicket:
    cameras = None if row.cameras is None else frozenset(row.cameras)
    principal = Principal(row.name, Role(row.role), cameras, PrincipalKind(row.kind))
    if row.credential_kind is None:
        return TakenTicket(principal, None)
    return TakenTicket(principal, Credential(CredentialKind(row.credential_kind), row.credential_row))
