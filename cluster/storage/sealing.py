"""Camera passwords, encrypted with a key that is made of the site's SECRET_KEY."""

import hashlib
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cluster.safety.errors import ConfigError
from cluster.safety.redaction import has_literal_secret
from cluster.settings.environment import expand
from cluster.settings.sign_in import SHORTEST_SECRET_BYTES
from cluster.settings.site import SiteSettings
from cluster.settings.source_secrets import is_seal, is_sealed, split

_log = structlog.get_logger()
_PURPOSE = b"safe-yolo camera passwords 1"
_NONCE_BYTES = 12
_LONGEST_SOURCE = 2048


class Seal:
    """AES-256-GCM (NIST SP 800-38D) under a key from HKDF-SHA256 (RFC 5869); `key_id` tells keys apart, and nothing
    about them."""

    def __init__(self, secret: bytes) -> None:
        key = HKDF(SHA256(), 32, None, _PURPOSE).derive(secret)
        self.key_id = hashlib.sha256(key).hexdigest()[:8]
        self._cipher = AESGCM(key)

    def close(self, text: str, bound_to: str) -> str:
        """`sealed.<key id>.<nonce and text>`, fit for an address. It opens only for the same `bound_to`."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, text.encode(), bound_to.encode())
        return f"sealed.{self.key_id}.{urlsafe_b64encode(sealed).decode().rstrip('=')}"

    def open(self, sealed: str, bound_to: str) -> str:
        """
        Raises:
            ValueError: it was closed under another key or for something else, or somebody changed it.
        """
        _, key_id, text = sealed.split(".")
        if key_id != self.key_id:
            raise ValueError(f"sealed with the key {key_id}, this is {self.key_id}")
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        try:
            return self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], bound_to.encode()).decode()
        except InvalidTag as error:
            raise ValueError("it was changed, or belongs to another camera") from error


def seal_of(site: SiteSettings) -> Seal | None:
    """None: the site has no SECRET_KEY, or none that is long enough; then no camera password can be stored."""
    try:
        secret = expand(site.sign_in.secret_key, where="site.yaml", key="sign_in.secret_key").encode()
    except ConfigError as error:
        _log.error("camera_passwords_closed", reason=str(error))
        return None
    return Seal(secret) if len(secret) >= SHORTEST_SECRET_BYTES else None


def sealed_source(seal: Seal | None, camera_id: str, source: str) -> str:
    """`source` as it is stored: each secret in it encrypted, for this camera and this server only.

    Raises:
        ConfigError: there is a secret and no key, or the result would be too long.
    """
    try:
        address = split(source)
    except ValueError as error:
        raise ConfigError("request", "source", "", str(error)) from error
    if not any(address.secrets) or (seal is None and not has_literal_secret(source)):
        return source
    if seal is None:
        reason = f"a password is stored only encrypted, and SECRET_KEY of {SHORTEST_SECRET_BYTES} bytes is not set"
        raise ConfigError("request", "source", "", reason, "export SECRET_KEY=$(openssl rand -hex 32) and restart")
    bound_to = f"{camera_id} {address.server}"
    # What nobody could open stays as it is, until the password is typed again.
    stored = address.joined([one if is_seal(one) else seal.close(one, bound_to) for one in address.secrets])
    if len(stored) > _LONGEST_SOURCE:
        raise ConfigError("request", "source", "", "is too long with its password encrypted")
    return stored


def opened_source(seal: Seal | None, camera_id: str, stored: str) -> str:
    """`stored` as it is used; one that cannot be opened comes back as it is, for whoever opens the camera to say."""
    if not is_sealed(stored):
        return stored
    address = split(stored)
    bound_to = f"{camera_id} {address.server}"
    try:
        return stored if seal is None else address.joined([seal.open(one, bound_to) for one in address.secrets])
    except ValueError:
        return stored
