"""The secrets in a camera's address: taken out, put back, and kept where `***` comes back from the page."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from cluster.safety.redaction import MASK, redact

# The last '@' before the path ends the login, as where the address is used (cluster.camera.source_address).
_LOGIN = re.compile(r"^[A-Za-z][\w+.\-]*://(?P<secret>[^/?#]*)@")
_PARAMETER = re.compile(
    r"[?&;](?P<name>[\w.-]*(?:password|passwd|pwd|pass|token|secret|signature|credential|api_?key|access[_-]?key|auth"
    r"|user|usr|login|session_?id))=(?P<secret>[^&;#\s]*)",
    re.IGNORECASE,
)
_SEALED = re.compile(r"^sealed\.[0-9a-f]{8}\.[A-Za-z0-9_-]+$")
_ENCODE = "percent-encode @, / and : in the login, so that it can be told from the address"


@dataclass(frozen=True, slots=True)
class SplitAddress:
    """`pieces` are what stands before, between and behind the `secrets`; `places` says which secret is which."""

    pieces: tuple[str, ...]
    secrets: tuple[str, ...]
    places: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The address with `***` for each secret."""
        return self.joined([MASK] * len(self.secrets))

    @property
    def server(self) -> str:
        """Scheme, host and port, as they are compared."""
        parts = urlsplit(self.shown)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()

    def joined(self, secrets: list[str]) -> str:
        """The address with these secrets instead."""
        return self.pieces[0] + "".join(secret + piece for secret, piece in zip(secrets, self.pieces[1:], strict=True))


def split(address: str) -> SplitAddress:
    """Login and secret parameters of a network address apart from the rest.

    Raises:
        ValueError: what would be shown still has something in it that looks like a secret; says how to write it.
    """
    login = _LOGIN.match(address)
    found = [("login", login)] if login else []
    parameters = list(_PARAMETER.finditer(address, login.end() if login else 0))
    found += [(f"{match['name']} {nth}", match) for nth, match in enumerate(parameters)]
    pieces, end = [], 0
    for _, match in found:
        pieces.append(address[end : match.start("secret")])
        end = match.end("secret")
    pieces.append(address[end:])
    whole = SplitAddress(tuple(pieces), tuple(match["secret"] for _, match in found), tuple(name for name, _ in found))
    if redact(whole.shown) != whole.shown:
        raise ValueError(_ENCODE)
    return whole


def shown(address: str) -> str:
    """`address` as anybody may see it, in the form that `kept` takes back."""
    try:
        return split(address).shown
    except ValueError:
        return redact(address)


def kept(given: str, stored: str | None) -> str:
    """`given` with the secrets of `stored` where it says `***`: the whole login, or the password behind `user:`.

    >>> kept("rtsp://***@cam/2", "rtsp://me:pw@cam/1")
    'rtsp://me:pw@cam/2'

    Raises:
        ValueError: nothing is stored for that place, or it was given for another server, which must not learn it.
    """
    new = split(given)
    if not any(_is_masked(secret) for secret in new.secrets):
        return given
    old = None if stored is None else split(stored)
    if old is None or old.server != new.server:
        raise ValueError(f"{MASK} keeps the password of the same server; for another one it has to be typed")
    known = dict(zip(old.places, old.secrets, strict=True))
    return new.joined(
        [_filled(secret, known.get(place)) for place, secret in zip(new.places, new.secrets, strict=True)]
    )


def is_sealed(address: str) -> bool:
    """Whether a secret in `address` is still encrypted, because nobody had the key."""
    try:
        return any(map(is_seal, split(address).secrets))
    except ValueError:
        return False


def is_seal(secret: str) -> bool:
    """Whether `secret` is one that `cluster.storage.sealing` has encrypted."""
    return _SEALED.match(secret) is not None


def _is_masked(secret: str) -> bool:
    return secret == MASK or secret.endswith(f":{MASK}")


def _filled(secret: str, stored: str | None) -> str:
    if not _is_masked(secret):
        return secret
    if stored is None:
        raise ValueError(f"{MASK} keeps what is stored, and here nothing is")
    return stored if secret == MASK else secret[: -len(MASK)] + stored.partition(":")[2]
