"""`safe-yolo users`: who may sign in, written into the site's database; works while nothing runs, and needs no admin.

A password is typed where nobody sees it, or comes from `SAFE_YOLO_PASSWORD`: never as an argument, which other users of
the machine and the history of the shell would see.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import typer

from cluster.operation.operator_words import operator
from cluster.operation.printing import say, show_json
from cluster.operation.word_options import AsJson, Config, load_chosen_site
from cluster.safety.errors import AccountError, ConfigError, DatabaseUnavailable, SiteUnhealthy
from cluster.settings.load import load_site
from cluster.settings.site import SiteSettings

Result = TypeVar("Result")

PASSWORD_VARIABLE = "SAFE_YOLO_PASSWORD"  # noqa: S105 - the name of a variable

users_app = typer.Typer(help="Who may sign in.", no_args_is_help=True)


class RoleName(StrEnum):
    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


Name = Annotated[str, typer.Argument(metavar="NAME", help="a-z, 0-9 and . _ @ -")]


@users_app.command()
def add(
    name: Name,
    role: Annotated[RoleName, typer.Option(help="viewer looks, operator acknowledges, admin changes everything.")],
    camera: Annotated[
        list[str] | None, typer.Option("--camera", metavar="ID", help="Sees this camera only; may be repeated.")
    ] = None,
    config: Config = "",
) -> None:
    """Add a user. The password is asked for, or read from SAFE_YOLO_PASSWORD."""
    password = _password()

    async def work(store: Any) -> Any:
        from cluster.accounts.principal import Role

        cameras = frozenset(camera) if camera else None
        return await store.add(name, await _hashed(password, name), Role(role.value), cameras)

    _done(config, "user.create", name, work)
    say(f"{name} may sign in as {role.value}")


@users_app.command("list")
def show(as_json: AsJson = False, config: Config = "") -> None:
    """Who there is, with role, cameras, and whether he may still sign in."""

    async def work(store: Any) -> list[dict[str, Any]]:
        return [_shown(user) for user in await store.list(limit=10_000)]

    found = _with_users(config, work)
    if as_json:
        show_json(found)
        return
    for user in found:
        cameras = "all cameras" if user["cameras"] is None else " ".join(user["cameras"])
        say(f"{user['name']}  {user['role']}  {cameras}{'  disabled' if user['disabled'] else ''}")
    if not found:
        say("nobody may sign in: `safe-yolo users add NAME --role admin`")


@users_app.command("password")
def change_password(name: Name, config: Config = "") -> None:
    """Give a user another password, and sign all his sessions out."""
    password = _password()

    async def work(store: Any) -> Any:
        return await store.change(name, {"password_hash": await _hashed(password, name)})

    _done(config, "user.change", name, work)
    say(f"{name} has another password, and was signed out")


@users_app.command()
def disable(name: Name, config: Config = "") -> None:
    """Keep a user from signing in, and sign all his sessions out."""
    _switch(config, name, disabled=True)
    say(f"{name} may not sign in any more, and was signed out")


@users_app.command()
def enable(name: Name, config: Config = "") -> None:
    """Let a disabled user sign in again."""
    _switch(config, name, disabled=False)
    say(f"{name} may sign in again")


def nobody_may_sign_in(site_file: str) -> bool:
    """Whether sign-in is on and there is no user.

    Raises:
        DatabaseUnavailable: it does not answer.
    """
    site = load_site(site_file)

    async def work(store: Any, _: Any) -> int:
        return int(await store.count())

    return site.sign_in.enabled and not asyncio.run(_with_engine(site, work))


def _switch(config: str, name: str, *, disabled: bool) -> None:
    async def work(store: Any) -> Any:
        return await store.change(name, {"disabled": disabled})

    _done(config, "user.change", name, work)


def _password() -> str:
    given = os.environ.get(PASSWORD_VARIABLE)
    return given if given else str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


async def _hashed(password: str, name: str) -> str:
    from cluster.accounts.passwords import Passwords, checked_password

    passwords = Passwords()
    try:
        return await passwords.hashed(checked_password(password, name))
    finally:
        passwords.close()


def _done(config: str, action: str, name: str, work: Callable[[Any], Awaitable[Result]]) -> Result:
    """Runs `work` and puts it into the audit, as the person who types."""

    async def audited(store: Any, engine: Any) -> Result:
        from cluster.accounts.audit import AuditEntry
        from cluster.accounts.audit_log import AuditTable

        result = await work(store)
        await AuditTable(engine).record(AuditEntry(operator(), action, name, "by the command"))
        return result

    return _run(config, audited)


def _with_users(config: str, work: Callable[[Any], Awaitable[Result]]) -> Result:
    async def alone(store: Any, _: Any) -> Result:
        return await work(store)

    return _run(config, alone)


def _run(config: str, work: Callable[[Any, Any], Awaitable[Result]]) -> Result:
    site = load_chosen_site(config)
    try:
        return asyncio.run(_with_engine(site, work))
    except AccountError as error:
        raise ConfigError("command", "", "", error.reason, error.mend) from error
    except DatabaseUnavailable as error:
        raise SiteUnhealthy(error.reason, error.mend) from error


async def _with_engine(site: SiteSettings, work: Callable[[Any, Any], Awaitable[Result]]) -> Result:
    from cluster.accounts.users import UserStore
    from cluster.storage.engine import create_engine
    from cluster.storage.schema import migrate

    # The first admin is added before the site ran for the first time, when there are no tables yet.
    await asyncio.to_thread(migrate, site)
    engine = create_engine(site)
    try:
        return await work(UserStore(engine), engine)
    finally:
        await engine.dispose()


def _shown(user: Any) -> dict[str, Any]:
    cameras = None if user.cameras is None else sorted(user.cameras)
    return {"name": user.name, "role": user.role.value, "cameras": cameras, "disabled": user.disabled}
