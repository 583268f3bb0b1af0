"""What a request or socket brings to say who asks: a bearer token, a cookie, or for a socket a ticket."""

import hmac
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import HTTPConnection

from cluster.accounts.accounts import Accounts
from cluster.accounts.credential import Credential
from cluster.accounts.principal import Principal
from cluster.accounts.sessions import Session
from deployments.ingress.problems import Problem

COOKIE = "safe_yolo_session"
CSRF_HEADER = "X-CSRF-Token"
_TICKET = "ticket"
_SESSION_KEY = "session"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Shown:
    """Who asks and by what; `session` where he showed its cookie. `credential` None: a ticket of the release before."""

    principal: Principal
    credential: Credential | None
    session: Session | None = None


async def shown(connection: HTTPConnection, accounts: Accounts) -> Shown | None:
    """Who asks, None: nobody that is known. A header goes before a ticket, a ticket before the cookie.

    Raises:
        DatabaseUnavailable: nobody can say.
    """
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        principal = await accounts.principal(token.strip())
        return Shown(principal, accounts.credential(token.strip())) if principal is not None else None
    if ticket := _taken_ticket(connection):
        return await _by_ticket(ticket, accounts)
    return await by_cookie(connection, accounts)


async def _by_ticket(ticket: str, accounts: Accounts) -> Shown | None:
    """Who may use it today: between the ticket and its use there are 30 s in which he may have been signed out."""
    taken = await accounts.take_ticket(ticket)
    if taken is None or taken.credential is None:
        return Shown(taken.principal, None) if taken is not None else None
    principal = await accounts.holder(taken.credential)
    return Shown(principal, taken.credential) if principal is not None else None


async def by_cookie(connection: HTTPConnection, accounts: Accounts) -> Shown | None:
    """Who is signed in; None: nobody."""
    session_id = connection.cookies.get(COOKIE, "")
    session = await accounts.session(session_id) if session_id else None
    if session is None:
        return None
    connection.scope.setdefault("state", {})[_SESSION_KEY] = session
    return Shown(session.principal, session.credential, session)


def session_of(connection: HTTPConnection) -> Session | None:
    """The session whose cookie this request showed."""
    session: Session | None = connection.scope.get("state", {}).get(_SESSION_KEY)
    return session


def check_csrf(connection: HTTPConnection, method: str, session: Session) -> None:
    """A browser sends the cookie whoever's page asks; the header only our own page can send.

    Raises:
        Problem: 403, a change without the header.
    """
    if method in _SAFE_METHODS:
        return
    given = connection.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(given.encode(), session.csrf.encode()):
        raise Problem(403, f"changes by a session carry the header {CSRF_HEADER}, which GET /api/v1/session says")


def drop_ticket(scope: Any) -> None:
    """Takes the ticket out of the address, so that no route reads it as an option and no log shows it."""
    pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    scope["query_string"] = urlencode([pair for pair in pairs if pair[0] != _TICKET]).encode()


def _taken_ticket(connection: HTTPConnection) -> str:
    return connection.query_params.get(_TICKET, "") if connection.scope["type"] == "websocket" else ""
