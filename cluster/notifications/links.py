"""Links by which a message acknowledges its event: signed, and good for a while."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from cluster.safety.errors import ConfigError, SafeYoloError
from cluster.settings.environment import expand
from cluster.settings.notifications import NotificationSettings

_log = structlog.get_logger()
ACKNOWLEDGE_PATH = "/api/v1/acknowledge/"
_PURPOSE = b"safe-yolo acknowledge 1\x1f"
"""The same key may sign other things: what is signed there must be worth nothing here."""
_MAC_BYTES = 16
"""Half of the SHA-256: 128 bits, because the link has to fit into an SMS."""
_LONGEST_TOKEN = 400


class LinkRefused(SafeYoloError):
    """A link that is none of ours (`expired` False), or was."""

    def __init__(self, expired: bool) -> None:
        super().__init__(expired)
        self.expired = expired

    def __str__(self) -> str:
        return "the link has expired" if self.expired else "the link is not one that this site gave"


@dataclass(frozen=True, slots=True)
class LinkContent:
    """Which event, as which occurrence, was told whom; until when the link is good (UTC)."""

    event_id: str
    channel_id: str
    occurrence: int
    expires_at: datetime


class AcknowledgeLinks:
    """Makes and reads links. Without a secret it does neither, without an address of the page it makes none."""

    def __init__(self, secret: str, page_url: str, valid_s: float) -> None:
        self._secret, self._page_url, self._valid = secret.encode(), page_url.rstrip("/"), timedelta(seconds=valid_s)

    def link(self, event_id: str, channel_id: str, occurrence: int, now: datetime) -> str:
        """The whole address, "" if the site has none. `occurrence`: of the event at the moment of sending."""
        if not (self._secret and self._page_url):
            return ""
        content = LinkContent(event_id, channel_id, occurrence, now + self._valid)
        return f"{self._page_url}{ACKNOWLEDGE_PATH}{self.token(content)}"

    def token(self, content: LinkContent) -> str:
        """What stands at the end of a link.

        Raises:
            ValueError: without a secret everybody could sign.
        """
        if not self._secret:
            raise ValueError("there is no secret to sign with")
        expires_s = int(content.expires_at.timestamp())
        fields = (content.event_id, content.channel_id, f"{content.occurrence:x}", f"{expires_s:x}")
        body = "|".join(fields).encode()
        return f"{_text(body)}.{_text(self._mac(body))}"

    def read(self, token: str, now: datetime) -> LinkContent:
        """What a link says.

        Raises:
            LinkRefused: it was not signed here, was changed, or is too old.
        """
        body = self._proved(token)
        try:
            event_id, channel_id, occurrence, expires_s = body.decode().split("|")
            expires_at = datetime.fromtimestamp(int(expires_s, 16), UTC)
            content = LinkContent(event_id, channel_id, int(occurrence, 16), expires_at)
        except (ValueError, OverflowError, OSError) as error:
            raise LinkRefused(expired=False) from error
        if now >= expires_at:
            raise LinkRefused(expired=True)
        return content

    def _proved(self, token: str) -> bytes:
        body_text, dot, mac_text = token.partition(".")
        if not (self._secret and dot and len(token) <= _LONGEST_TOKEN):
            raise LinkRefused(expired=False)
        try:
            body, mac = _bytes(body_text), _bytes(mac_text)
        except (binascii.Error, ValueError) as error:
            raise LinkRefused(expired=False) from error
        if not hmac.compare_digest(mac, self._mac(body)):
            raise LinkRefused(expired=False)
        return body

    def _mac(self, body: bytes) -> bytes:
        return hmac.new(self._secret, _PURPOSE + body, hashlib.sha256).digest()[:_MAC_BYTES]


def open_links(settings: NotificationSettings, where: str = "site.yaml") -> AcknowledgeLinks:
    """The links of a site.

    Raises:
        ConfigError: `link_secret` names a variable or file that there is not.
    """
    secret = expand(settings.link_secret, where=where, key="notifications.link_secret")
    return AcknowledgeLinks(secret, settings.page_url, settings.link_valid_s)


def usable_links(settings: NotificationSettings) -> AcknowledgeLinks:
    """As `open_links`; without their secret messages carry no link, but people are told all the same."""
    try:
        return open_links(settings)
    except ConfigError as error:
        _log.critical("notification_links_unusable", reason=str(error))
        return AcknowledgeLinks("", settings.page_url, settings.link_valid_s)


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
