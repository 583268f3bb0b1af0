"""Bearer tokens: only what was signed here, whole, in time and by this algorithm is one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from counterparts.secrets_used import secret

from cluster.accounts.principal import Role
from cluster.accounts.tokens import Token, TokenSigner
from cluster.safety.redaction import redact

SECRET = secret("x" * 32)
NOW = datetime.now(UTC).replace(microsecond=0)
TOKEN = Token("ab12", "wall", Role.VIEWER, frozenset({"gate-2", "gate-1"}), "admin", NOW, NOW + timedelta(days=1))


@pytest.fixture
def signer() -> TokenSigner:
    return TokenSigner(SECRET)


def test_a_token_says_who_it_is_and_is_known_again(signer: TokenSigner) -> None:
    text = signer.signed(TOKEN)

    claims = jwt.decode(text, options={"verify_signature": False})
    assert (claims["sub"], claims["role"], claims["cameras"], claims["jti"]) == (
        "wall",
        "viewer",
        ["gate-1", "gate-2"],
        "ab12",
    )
    assert signer.proved_id(text) == "ab12"


def test_what_was_not_signed_here_is_none(signer: TokenSigner) -> None:
    head, body, mark = signer.signed(TOKEN).split(".")
    unsigned = jwt.encode({"jti": "ab12", "iss": "safe-yolo", "exp": NOW + timedelta(days=1)}, "", "none")
    same_secret = jwt.encode({"jti": "ab12", "iss": "safe-yolo", "exp": NOW + timedelta(days=1)}, SECRET, "HS256")
    forged = [
        "",
        "x",
        f"{head}.{body}.",
        f"{head}.{body}.{'A' if mark[0] != 'A' else 'B'}{mark[1:]}",
        TokenSigner("another secret of thirty-two bytes").signed(TOKEN),
        unsigned,
        same_secret,
        signer.signed(replace(TOKEN, expires_at=NOW - timedelta(seconds=1))),
        signer.signed(TOKEN) + "A" * 5000,
    ]

    assert [signer.proved_id(text) for text in forged] == [None] * len(forged)


def test_no_log_line_shows_a_token(signer: TokenSigner) -> None:
    text = signer.signed(TOKEN)

    assert redact(f"GET /x/{text}/streams failed") == "GET /x/***/streams failed"
    assert redact("opened sys_" + "a" * 43 + " and syt_" + "b" * 43) == "opened *** and ***"
