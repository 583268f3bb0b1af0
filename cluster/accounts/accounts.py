"""Who is let in: passwords, sessions, tokens and tickets put together. Knows neither HTTP nor Ray."""

import asyncio
from datetime import UTC, datetime
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from cluster.accounts.credential import Credential, CredentialKind
from cluster.accounts.passwords import Passwords, checked_password
from cluster.accounts.principal import Principal, PrincipalKind
from cluster.accounts.recent import Recent
from cluster.accounts.sessions import Session, SessionStore, hashed
from cluster.accounts.shared_slowing import SharedSlowing, WrongPasswords
from cluster.accounts.tickets import TakenTicket, TicketStore
from cluster.accounts.tokens import Token, TokenSigner, TokenStore
from cluster.accounts.users import UserStore
from cluster.safety.errors import AccountError, DatabaseUnavailable, SignInRefused, SignInSlowed
from cluster.settings.sign_in import SignInSettings, signing_secret
from cluster.settings.site import SiteSettings
from cluster.telemetry import metrics

_log = structlog.get_logger()
_HOLDERS_AT_ONCE = 4
_HOLDER_FRESH_S = 5.0
"""A wall of 16 sockets of one session costs one question in so long."""


class Accounts:
    """One replica's view of the accounts of the site. Belongs to one event loop; raises `DatabaseUnavailable`."""

    def __init__(
        self,
        engine: AsyncEngine,
        settings: SignInSettings,
        secret: str,
        *,
        passwords: Passwords | None = None,
        slowing: SharedSlowing | None = None,
    ) -> None:
        self.users, self.tokens = UserStore(engine), TokenStore(engine)
        self.signer, self._tickets = TokenSigner(secret), TicketStore(engine)
        self.settings, self._sessions = settings, SessionStore(engine, settings)
        self.passwords = passwords or Passwords()
        self._slowing = slowing or SharedSlowing(WrongPasswords(engine, secret))
        self._recent_sessions: Recent[Session] = Recent()
        self._recent_tokens: Recent[Token] = Recent()
        self._recent_holders: Recent[Principal] = Recent()
        self._asking = asyncio.Semaphore(_HOLDERS_AT_ONCE)

    async def sign_in(self, name: str, password: str, address: str) -> Session:
        """A new session.

        Raises:
            SignInRefused: wrong; it takes as long for a user that there is not.
            SignInSlowed: too many were wrong before; nothing was looked at.
        """
        try:
            await self._slowing.attempt(name, address)
            kept, proved = await self._proved(name, password, address)
        except SignInSlowed:
            metrics.sign_ins.inc(1, {"result": "slowed"})
            raise
        session = await self._sessions.open(name, kept, address) if kept is not None and proved else None
        if kept is None or session is None:
            metrics.sign_ins.inc(1, {"result": "refused"})
            raise SignInRefused("the name or the password is wrong")
        await self._slowing.succeeded(name, address)
        metrics.sign_ins.inc(1, {"result": "ok"})
        await self._strengthened(name, kept, password)
        return session

    async def _proved(self, name: str, password: str, address: str) -> tuple[str | None, bool]:
        """The hash that is kept of `name`, and whether `password` is behind it. An outage is no wrong password."""
        try:
            kept = await self.users.password_hash(name)
            return kept, await self.passwords.proved(kept, password)
        except (DatabaseUnavailable, SignInSlowed):
            await self._slowing.withdrawn(name, address)
            raise

    async def session(self, session_id: str) -> Session | None:
        """Who is signed in by the id of a cookie; None: nobody."""
        ask = partial(self._sessions.find, session_id)
        session = await self._recent_sessions.get(hashed(session_id), ask)
        return session if session is not None and datetime.now(UTC) < session.expires_at else None

    async def principal(self, token: str) -> Principal | None:
        """Whose bearer token this is; None: not signed here, expired, or revoked at least 2 s ago."""
        credential = self.credential(token)
        return await self._token_holder(credential.row) if credential is not None else None

    def credential(self, token: str) -> Credential | None:
        """What a bearer token names; None: not signed here, or expired. Whether it was revoked is not looked up."""
        token_id = self.signer.proved_id(token)
        return Credential(CredentialKind.TOKEN, token_id) if token_id is not None else None

    async def holder(self, credential: Credential) -> Principal | None:
        """Who comes by `credential` now, as an answer of the last seconds says; None: it holds no longer.

        Few are asked about at once: the sockets of a whole site must not take the connections of a slow database.
        """
        async with self._asking:
            if credential.kind is CredentialKind.TOKEN:
                return await self._token_holder(credential.row, _HOLDER_FRESH_S)
            ask = partial(self._sessions.holder, credential.row)
            return await self._recent_holders.get(credential.row, ask, _HOLDER_FRESH_S)

    async def _token_holder(self, token_id: str, fresh_s: float | None = None) -> Principal | None:
        kept = await self._recent_tokens.get(token_id, partial(self.tokens.get, token_id), fresh_s)
        return kept.principal if kept is not None and kept.holds(datetime.now(UTC)) else None

    async def sign_out(self, session_id: str) -> None:
        await self._sessions.close(session_id)
        self.forget_all()

    async def change_password(self, principal: Principal, old: str, new: str, address: str) -> Session:
        """Signs all sessions of the user out, the one that asks too, and gives a new one.

        Raises:
            SignInRefused: `old` is wrong, or who asks is no user.
            SignInSlowed: it was wrong too often.
            AccountError: `new` may not be a password.
        """
        if principal.kind is not PrincipalKind.USER:
            raise SignInRefused("a token has no password")
        checked_password(new, principal.name)
        await self._slowing.attempt(principal.name, address)
        before, proved = await self._proved(principal.name, old, address)
        if not proved:
            raise SignInRefused("the old password is wrong")
        await self._slowing.succeeded(principal.name, address)
        kept = await self._set_password(principal.name, new, before)
        session = await self._sessions.open(principal.name, kept, address)
        if session is None:
            raise SignInRefused("somebody else changed the password at the same moment")
        return session

    async def _set_password(self, name: str, password: str, proved: str | None) -> str:
        """What is kept of it."""
        hash_text = await self.passwords.hashed(checked_password(password, name))
        await self.users.change(name, {"password_hash": hash_text}, proved)
        self.forget_all()
        return hash_text

    async def give_ticket(self, principal: Principal, credential: Credential) -> tuple[str, datetime]:
        """What opens one socket within 30 s, and until when."""
        ticket = await self._tickets.give(principal, credential)
        return ticket.ticket, ticket.expires_at

    async def take_ticket(self, ticket: str) -> TakenTicket | None:
        """Whose it is, once."""
        return await self._tickets.take(ticket)

    def forget_all(self) -> None:
        """Something about accounts was changed here. Other replicas know it within 2 s."""
        self._recent_sessions.forget_all()
        self._recent_tokens.forget_all()
        self._recent_holders.forget_all()

    def close(self) -> None:
        self.passwords.close()

    async def _strengthened(self, name: str, kept: str, password: str) -> None:
        """Parameters of argon2 rise over the years; the password is known at this moment only."""
        if not self.passwords.is_weaker(kept):
            return
        try:
            await self.users.strengthen(name, kept, await self.passwords.hashed(password))
        except AccountError as error:
            _log.warning("password_not_strengthened", user=name, reason=error.reason)


def open_accounts(engine: AsyncEngine, site: SiteSettings, where: str) -> Accounts | None:
    """The accounts of a site; None where sign-in is off.

    Raises:
        ConfigError: sign-in is on, and there is no secret of 32 bytes.
    """
    if not site.sign_in.enabled:
        return None
    return Accounts(engine, site.sign_in, signing_secret(site.sign_in, where))
