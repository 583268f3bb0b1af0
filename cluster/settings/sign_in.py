"""`sign_in` of `configs/site.yaml`: who must say who he is, and for how long that holds."""

from typing import Literal

from pydantic import Field, model_validator

from cluster.safety.errors import ConfigError
from cluster.settings.base import Settings
from cluster.settings.environment import expand
from cluster.settings.notifications import Secret

SHORTEST_SECRET_BYTES = 32
_MAKE_SECRET = "export SECRET_KEY=$(openssl rand -hex 32)"  # noqa: S105 - a command


class SignInSettings(Settings):
    """The whole section. Off is possible only where nobody but this machine reaches the page."""

    enabled: bool = True
    secret_key: Secret = "${SECRET_KEY:-}"  # noqa: S105 - the name of a variable
    """Signs bearer tokens. Whoever changes it revokes them all."""
    session_idle_s: float = Field(12 * 3600, ge=60, le=30 * 86_400)
    """Who asks for nothing for so long signs in again."""
    session_max_s: float = Field(7 * 86_400, ge=60, le=90 * 86_400)
    """Who signed in so long ago signs in again, whatever he does."""
    secure_cookie: Literal["auto", "always"] = "auto"
    """auto: `Secure` where the request came by https, which a proxy on this machine says in X-Forwarded-Proto."""
    metrics: Literal["open", "token"] = "open"
    """Whether `GET /metrics` is for everybody who reaches the port, or for tokens and sessions only."""

    @model_validator(mode="after")
    def _idle_ends_first(self) -> "SignInSettings":
        if self.session_idle_s > self.session_max_s:
            raise ValueError(f"session_idle_s is longer than session_max_s, which is {self.session_max_s:g}")
        return self


def signing_secret(settings: SignInSettings, where: str) -> str:
    """The secret of a site with sign-in; `where` names its file.

    Raises:
        ConfigError: it is not set, or shorter than 32 bytes.
    """
    key = "sign_in.secret_key"
    secret = expand(settings.secret_key, where=where, key=key)
    if len(secret.encode()) >= SHORTEST_SECRET_BYTES:
        return secret
    reason = f"is shorter than {SHORTEST_SECRET_BYTES} bytes" if secret else "is not set, and sign-in needs it"
    raise ConfigError(where, key, "", reason, _MAKE_SECRET)
