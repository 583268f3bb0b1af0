"""By what somebody came in, so that a connection that stays open can be proved again."""

from dataclasses import dataclass
from enum import StrEnum


class CredentialKind(StrEnum):
    """A person's session, or a program's token."""

    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - a kind, no secret


@dataclass(frozen=True, slots=True)
class Credential:
    """Names the row that must still hold. `row`: the `token_id`, or the SHA-256 of a session's id; no secret."""

    kind: CredentialKind
    row: str
