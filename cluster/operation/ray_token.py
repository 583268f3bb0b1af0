"""Ray's access token: without it whoever reaches the machine's ports may run code on it.

Where Ray itself looks for it (RAY_AUTH_TOKEN, the file of RAY_AUTH_TOKEN_PATH, ~/.ray/auth_token), so that `ray` and
`serve` of the same user find it without being told.
"""

import os
import secrets
from pathlib import Path

from cluster.safety.errors import MachineUnfit


def token_file() -> Path:
    """The file that holds it, if it does not stand in the environment."""
    return Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")


def read_token() -> str:
    """The token, "" if there is none."""
    if token := os.environ.get("RAY_AUTH_TOKEN", "").strip():
        return token
    try:
        return token_file().read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def ensure_token() -> None:
    """Makes a token if there is none, readable by this user only.

    Raises:
        MachineUnfit: it cannot be written.
    """
    if read_token():
        return
    file = token_file()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as new:
            new.write(secrets.token_hex(32))
    except OSError as error:
        raise MachineUnfit(
            f"Ray's token cannot be written to {file}: {error.strerror}", "set RAY_AUTH_TOKEN"
        ) from error
