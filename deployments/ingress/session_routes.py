"""`/api/v1/session` and `/api/v1/tickets`: who a person is, for his page and his sockets."""

from dataclasses import replace

from fastapi import APIRouter, Request, Response

from cluster.accounts.accounts import Accounts
from cluster.accounts.principal import ANYBODY
from cluster.accounts.sessions import Session
from cluster.safety.errors import SignInRefused, SignInSlowed
from deployments.ingress.access import entry, principal_of
from deployments.ingress.account_documents import (
    PasswordBody,
    SessionDocument,
    SignInBody,
    SignInState,
    TicketDocument,
    sorted_cameras,
)
from deployments.ingress.audited import Audited
from deployments.ingress.credentials import COOKIE, Shown, session_of, shown
from deployments.ingress.problems import Problem
from deployments.ingress.sockets import is_cross_site
from deployments.ingress.standing import standing_of

_NO_STORE = "no-store"


class SessionRoutes:
    """`accounts` None: sign-in is off."""

    def __init__(self, accounts: Accounts | None, audit: Audited) -> None:
        self._accounts, self._audit = accounts, audit

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/api/v1", tags=["session"])
        add = router.add_api_route
        add("/session", self.sign_in, methods=["POST"], response_model=SessionDocument)
        add("/session", self.state, methods=["GET"], response_model=SignInState)
        add("/session", self.sign_out, methods=["DELETE"], status_code=204)
        add("/session/password", self.change_password, methods=["PUT"], response_model=SessionDocument)
        add("/tickets", self.ticket, methods=["POST"], status_code=201, response_model=TicketDocument)
        return router

    async def sign_in(self, request: Request, response: Response, body: SignInBody) -> SessionDocument:
        """Sets the cookie. 401 for a wrong name or password, 429 after several."""
        accounts = usable(self._accounts)
        if is_cross_site(request):
            raise Problem(403, "pages of other sites may not do this")
        address = request.client.host if request.client else ""
        try:
            session = await accounts.sign_in(body.name, body.password, address)
        except SignInRefused:
            # A name that there is not may be a password that somebody typed into the wrong field.
            who = body.name if await accounts.users.get(body.name) else "unknown"
            await self._audit.done(replace(entry(request, "sign_in.refused"), who=who))
            raise
        except SignInSlowed as error:
            raise Problem(429, str(error), retry_after=f"{max(1, round(error.retry_after_s))}") from error
        await self._audit.done(replace(entry(request, "sign_in"), who=session.principal.name))
        return _opened(request, response, session, accounts)

    async def state(self, request: Request, response: Response) -> SignInState:
        """Who asks. Never refused, so that a page can find out whether it must show the form."""
        response.headers["Cache-Control"] = _NO_STORE
        if self._accounts is None:
            return _state(Shown(ANYBODY, None), sign_in="off")
        return _state(await shown(request, self._accounts), sign_in="on")

    async def sign_out(self, request: Request) -> Response:
        session = session_of(request)
        if session is not None:
            await usable(self._accounts).sign_out(session.session_id)
            await self._audit.done(entry(request, "sign_out"))
        response = Response(status_code=204, headers={"Cache-Control": _NO_STORE})
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return response

    async def change_password(self, request: Request, response: Response, body: PasswordBody) -> SessionDocument:
        """One's own. Ends all sessions of the user and begins a new one here. 403 if the old one is wrong."""
        accounts, principal = usable(self._accounts), principal_of(request)
        address = request.client.host if request.client else ""
        try:
            session = await accounts.change_password(principal, body.old, body.new, address)
        except SignInRefused as error:
            raise Problem(403, str(error)) from error
        await self._audit.done(entry(request, "password.change", principal.name))
        return _opened(request, response, session, accounts)

    async def ticket(self, request: Request, response: Response) -> TicketDocument:
        """Opens one socket as `?ticket=`, once, within 30 s."""
        response.headers["Cache-Control"] = _NO_STORE
        accounts, standing = usable(self._accounts), standing_of(request)
        if standing is None:
            raise Problem(401, "sign in, or send `Authorization: Bearer` with a token that holds")
        ticket, expires_at = await accounts.give_ticket(standing.principal, standing.credential)
        return TicketDocument(ticket=ticket, expires_at=expires_at)


def usable(accounts: Accounts | None) -> Accounts:
    """Raises Problem: 409 where sign-in is off."""
    if accounts is None:
        raise Problem(409, "sign-in is off on this site: set sign_in.enabled in site.yaml")
    return accounts


def _opened(request: Request, response: Response, session: Session, accounts: Accounts) -> SessionDocument:
    settings = accounts.settings
    response.headers["Cache-Control"] = _NO_STORE
    response.set_cookie(
        COOKIE,
        session.session_id,
        max_age=int(settings.session_max_s),
        path="/",
        secure=settings.secure_cookie == "always" or request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    principal = session.principal
    return SessionDocument(
        name=principal.name,
        role=principal.role,
        cameras=sorted_cameras(principal.cameras),
        csrf=session.csrf,
        expires_at=session.expires_at,
    )


def _state(who: Shown | None, sign_in: str) -> SignInState:
    if who is None:
        return SignInState(signed_in=False, sign_in=sign_in, name=None, role=None, cameras=None, csrf=None)
    principal = who.principal
    return SignInState(
        signed_in=sign_in == "on",
        sign_in=sign_in,
        name=principal.name,
        role=principal.role,
        cameras=sorted_cameras(principal.cameras),
        csrf=who.session.csrf if who.session else None,
    )
