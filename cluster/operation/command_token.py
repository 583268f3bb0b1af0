"""What this command shows the site's API where sign-in is on: the token that it was given, or one that it makes."""

import asyncio
import os
from datetime import UTC, datetime, timedelta

from cluster.operation.operator_words import operator
from cluster.operation.serve_file import SERVE_FILE, load_serve_file
from cluster.safety.errors import SafeYoloError
from cluster.settings.load import load_site
from cluster.settings.sign_in import signing_secret
from cluster.settings.site import SiteSettings

VARIABLE = "SAFE_YOLO_TOKEN"
_GOOD_FOR = timedelta(days=1)
_MAKER = "safe-yolo"


def command_token(site_file: str) -> str:
    """`SAFE_YOLO_TOKEN`; else a viewer's for a day, which takes the site's secret and database; else "", and the API
    refuses: whoever may read both could make an admin as well."""
    if given := os.environ.get(VARIABLE):
        return given
    try:
        site = load_site(site_file)
        if not site.sign_in.enabled:
            return ""
        return asyncio.run(_made(site, signing_secret(site.sign_in, site_file)))
    except SafeYoloError:
        return ""


def token_for_config(config: str) -> str:
    """As `command_token`, for the Serve configuration at `config`."""
    try:
        return command_token(load_serve_file(config or SERVE_FILE).site_file)
    except SafeYoloError:
        return os.environ.get(VARIABLE, "")


async def _made(site: SiteSettings, secret: str) -> str:
    from cluster.accounts.principal import Role  # sqlalchemy and argon2 take most of a second
    from cluster.accounts.tokens import TokenSigner, TokenStore
    from cluster.storage.engine import create_engine

    engine = create_engine(site)
    now = datetime.now(UTC)
    try:
        store = TokenStore(engine)
        await store.clear_expired(_MAKER, now)
        token = await store.add(f"command of {operator()}"[:60], Role.VIEWER, None, _MAKER, now + _GOOD_FOR)
    finally:
        await engine.dispose()
    return TokenSigner(secret).signed(token)
