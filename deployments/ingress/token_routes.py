"""`/api/v1/tokens` and `/api/v1/audit`: programs that may come in, and who did what; for administrators."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AwareDatetime

from cluster.accounts.accounts import Accounts
from cluster.accounts.audit_log import AuditFilter
from cluster.accounts.tokens import Token
from deployments.ingress.access import entry, principal_of
from deployments.ingress.account_documents import (
    PRINTED,
    AuditDocument,
    AuditList,
    NewToken,
    TokenBody,
    TokenDocument,
    TokenList,
    chosen_cameras,
    sorted_cameras,
)
from deployments.ingress.audited import Audited
from deployments.ingress.services import Audit
from deployments.ingress.session_routes import usable

_NO_STORE = "no-store"
_Text = Annotated[str | None, Query(max_length=100, pattern=PRINTED)]
_Cursor = Annotated[int | None, Query(ge=1, le=2**31 - 1)]
_Limit = Annotated[int, Query(ge=1, le=500)]


class TokenRoutes:
    """`accounts` None: sign-in is off, and tokens answer 409; the audit is there all the same."""

    def __init__(self, accounts: Accounts | None, audited: Audited, audit: Audit) -> None:
        self._accounts, self._audited, self._audit = accounts, audited, audit

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/api/v1", tags=["tokens and audit"])
        add = router.add_api_route
        add("/tokens", self.tokens, methods=["GET"], response_model=TokenList)
        add("/tokens", self.create, methods=["POST"], status_code=201, response_model=NewToken)
        add("/tokens/{token_id}", self.revoke, methods=["DELETE"], status_code=204)
        add("/audit", self.audit, methods=["GET"], response_model=AuditList)
        return router

    async def tokens(self, response: Response) -> TokenList:
        """The newest 500, revoked and expired ones too."""
        response.headers["Cache-Control"] = _NO_STORE
        found = await usable(self._accounts).tokens.list()
        return TokenList(tokens=[TokenDocument(**_values(token)) for token in found])

    async def create(self, request: Request, response: Response, body: TokenBody) -> NewToken:
        """`token` is what the program sends as `Authorization: Bearer`; it is shown this once."""
        response.headers["Cache-Control"] = _NO_STORE
        accounts = usable(self._accounts)
        expires_at = datetime.now(UTC) + timedelta(days=body.expires_in_days)
        cameras = chosen_cameras(body.cameras)
        token = await accounts.tokens.add(body.name, body.role, cameras, principal_of(request).name, expires_at)
        detail = f"{body.name}, {body.role}, until {token.expires_at:%Y-%m-%d}"
        await self._audited.done(entry(request, "token.create", token.token_id, detail))
        return NewToken(**_values(token), token=accounts.signer.signed(token))

    async def revoke(
        self, request: Request, token_id: Annotated[str, Path(max_length=64, pattern=PRINTED)]
    ) -> Response:
        """Holds in all replicas within 2 s; again is no fault."""
        accounts = usable(self._accounts)
        token = await accounts.tokens.revoke(token_id)
        accounts.forget_all()
        await self._audited.done(entry(request, "token.revoke", token_id, token.name))
        return Response(status_code=204, headers={"Cache-Control": _NO_STORE})

    async def audit(
        self,
        response: Response,
        who: _Text = None,
        action: _Text = None,
        after: AwareDatetime | None = None,
        before: AwareDatetime | None = None,
        cursor: _Cursor = None,
        limit: _Limit = 50,
    ) -> AuditList:
        """The newest first."""
        response.headers["Cache-Control"] = _NO_STORE
        page = await self._audit.list(AuditFilter(who, action, after, before), cursor, limit)
        more = None if page.next_cursor is None else str(page.next_cursor)
        return AuditList(entries=[AuditDocument.model_validate(one) for one in page.entries], next_cursor=more)


def _values(token: Token) -> dict[str, Any]:
    values = {field.name: getattr(token, field.name) for field in fields(token)}
    return {**values, "cameras": sorted_cameras(token.cameras)}
