"""What accounts look like in the API: bodies that are taken, documents that are given. No document has a password."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from cluster.accounts.principal import Role
from cluster.settings.cameras import CAMERA_ID

PRINTED = r"^[^\x00-\x1f\x7f]*$"
"""PostgreSQL takes no NUL, and would look like a database that is away."""
_CameraIds = Annotated[list[Annotated[str, StringConstraints(pattern=CAMERA_ID)]], Field(max_length=500)]
_Name = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=64, pattern=PRINTED)
]
_Password = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class SignInBody(_Body):
    name: _Name
    password: _Password


class PasswordBody(_Body):
    """The own password, changed."""

    old: _Password
    new: _Password


class UserBody(_Body):
    name: _Name
    password: _Password
    role: Role
    cameras: _CameraIds | None = None
    """null: all of them, also those to come."""


class UserChange(_Body):
    """What is not given stays as it is."""

    password: _Password | None = None
    role: Role | None = None
    cameras: _CameraIds | None = None
    """null: all of them; leave it out to keep what is there."""
    disabled: bool | None = None


class TokenBody(_Body):
    name: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[\w .@-]{1,60}$")]
    role: Role
    cameras: _CameraIds | None = None
    expires_in_days: int = Field(90, ge=1, le=730)


class SessionDocument(BaseModel):
    """Who is signed in. `csrf` goes into the header X-CSRF-Token of every change."""

    name: str
    role: Role
    cameras: list[str] | None
    csrf: str
    expires_at: datetime


class SignInState(BaseModel):
    """Who asks, as far as it is known."""

    signed_in: bool
    sign_in: str
    name: str | None
    role: Role | None
    cameras: list[str] | None
    csrf: str | None


class TicketDocument(BaseModel):
    ticket: str
    expires_at: datetime


class UserDocument(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    name: str
    role: Role
    cameras: list[str] | None
    disabled: bool
    created_at: datetime
    updated_at: datetime


class UserList(BaseModel):
    users: list[UserDocument]
    next_cursor: str | None


class TokenDocument(BaseModel):
    """A token without what a program carries: that is shown once, when it is made."""

    model_config = ConfigDict(from_attributes=True)
    token_id: str
    name: str
    role: Role
    cameras: list[str] | None
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class NewToken(TokenDocument):
    token: str


class TokenList(BaseModel):
    tokens: list[TokenDocument]
    next_cursor: str | None = None


class AuditDocument(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    at: datetime
    who: str
    action: str
    subject: str
    detail: str
    address: str
    request_id: str


class AuditList(BaseModel):
    entries: list[AuditDocument]
    next_cursor: str | None


def sorted_cameras(cameras: frozenset[str] | None) -> list[str] | None:
    return None if cameras is None else sorted(cameras)


def chosen_cameras(cameras: list[str] | None) -> frozenset[str] | None:
    return None if cameras is None else frozenset(cameras)
