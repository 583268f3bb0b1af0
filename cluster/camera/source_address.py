"""The address of a camera with its variables filled in, fit for OpenCV and for our own questions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from cluster.safety.errors import ConfigError
from cluster.settings.cameras import CameraSettings
from cluster.settings.environment import expand

# A `${NAME}` counts as one sign, whatever its default holds; the last '@' before the path ends the login.
_LOGIN = re.compile(r"^(?P<scheme>[A-Za-z][\w+.\-]*://)(?P<login>(?:\$\{[^}]*\}|[^/?#])*)@(?P<rest>.*)$", re.DOTALL)
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


def expanded_address(camera: CameraSettings, environment: Mapping[str, str] | None = None) -> str:
    """`camera.source` with `${NAME}` replaced. A password from a variable may hold any sign: it is
    percent-encoded here, unless it already is.

    Raises:
        ConfigError: a variable is not set.
    """

    def filled(text: str) -> str:
        return expand(text, where=f"camera {camera.camera_id}", key="source", environment=environment)

    match = _LOGIN.match(camera.source)
    if match is not None:
        return f"{match['scheme']}{_encoded_login(filled(match['login']))}@{filled(match['rest'])}"
    address = filled(camera.source)
    match = _LOGIN.match(address)
    return f"{match['scheme']}{_encoded_login(match['login'])}@{match['rest']}" if match else address


@dataclass(frozen=True, slots=True)
class NetworkAddress:
    """The parts of an rtsp or http address. `url` has the login in it and is shown to nobody."""

    url: str = field(repr=False)
    scheme: str
    host: str
    port: int
    path: str
    """With the query, at least "/"."""
    user: str = field(repr=False)
    password: str = field(repr=False)

    @classmethod
    def of(cls, url: str, where: str) -> "NetworkAddress":
        """
        Raises:
            ConfigError: no host, or a port that is none.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or _DEFAULT_PORTS[parts.scheme]
        except ValueError as error:
            raise ConfigError(
                where, "source", "", f"is not an address: {error}", "write rtsp://host:port/path"
            ) from error
        if not parts.hostname:
            raise ConfigError(where, "source", url, "names no host", "write rtsp://host:port/path")
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        if not (user + password).isprintable():
            raise ConfigError(where, "source", "", "user or password holds a line break or another control character")
        return cls(url, parts.scheme, parts.hostname, port, path, user, password)

    @property
    def has_login(self) -> bool:
        return bool(self.user or self.password)

    @property
    def server(self) -> str:
        """host:port, as anybody may see it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def public_path(self) -> str:
        """Without the query, where cameras like to keep tokens."""
        return self.path.partition("?")[0]

    @property
    def bare_url(self) -> str:
        """What a request line names: no login."""
        return f"{self.scheme}://{self.server}{self.path}"


def _encoded_login(login: str) -> str:
    user, colon, password = login.partition(":")
    return f"{_encoded(user)}{colon}{_encoded(password)}"


def _encoded(text: str) -> str:
    return quote(_STRAY_PERCENT.sub("%25", text), safe="%!$&'()*+,;=-._~")
