"""The first user of a site: from the command or the environment, never a default, never from a log."""

from collections.abc import Mapping

import structlog

from cluster.accounts.passwords import Passwords, checked_password
from cluster.accounts.principal import Role
from cluster.accounts.users import User, UserStore
from cluster.safety.errors import AccountConflict, AccountError, DatabaseUnavailable

NAME_VARIABLE = "SAFE_YOLO_ADMIN"
PASSWORD_VARIABLE = "SAFE_YOLO_ADMIN_PASSWORD"  # noqa: S105 - the name of a variable

_log = structlog.get_logger()


async def first_admin(users: UserStore, passwords: Passwords, name: str, password: str) -> User | None:
    """An admin of that name where there is no user yet; None: there is one.

    Raises:
        AccountError: this may not be a name or a password.
    """
    if await users.count():
        return None
    hash_text = await passwords.hashed(checked_password(password, name))
    try:
        return await users.add(name, hash_text, Role.ADMIN)
    except AccountConflict:  # another replica was faster
        return None


async def first_admin_of(environment: Mapping[str, str], users: UserStore, passwords: Passwords) -> None:
    """As `first_admin`, where both variables are set; what is wrong with them is said, and nobody is stopped by it."""
    name, password = environment.get(NAME_VARIABLE, ""), environment.get(PASSWORD_VARIABLE, "")
    if not (name and password):
        return
    try:
        if await first_admin(users, passwords, name, password):
            _log.warning("first_admin_made", user=name)
    except (AccountError, DatabaseUnavailable) as error:
        _log.error("first_admin_not_made", reason=str(error))
