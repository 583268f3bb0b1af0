"""The secrets of one channel: expanded where they are used, and struck from all that the channel says."""

import logging
from urllib.parse import quote, urlsplit

from cluster.notifications.message import Outgoing
from cluster.safety.redaction import MASK, redact
from cluster.settings.environment import expand

_LONGEST_ANSWER = 200
_SHORTEST_SECRET = 4
_TALKATIVE = ("httpx", "httpcore", "slack_sdk", "aiohttp", "botocore", "boto3", "urllib3", "aiosmtplib", "apprise")


def quiet_libraries() -> None:
    """These log addresses and bodies, with tokens, numbers and links in them; who debugs us must not see those."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)


class Secrets:
    """Of the channel `channel_id`; knows each that it has expanded."""

    def __init__(self, channel_id: str) -> None:
        self.channel_id = channel_id
        self._known: set[str] = set()

    def expand(self, key: str, text: str) -> str:
        """`text` with its variables and files replaced.

        Raises:
            ConfigError: one of them cannot be had.
        """
        value = expand(text, where="site.yaml", key=f"notifications.channels[{self.channel_id}].{key}")
        if value != text:
            self._remember(value)
        return value

    def strike(self, text: str, message: Outgoing | None = None) -> str:
        """`text` in one short line without the secrets, nor the signed link of `message`."""
        known = set(self._known)
        if message is not None and message.acknowledge_link:
            known |= _forms(message.acknowledge_link)
        for secret in sorted(known, key=len, reverse=True):
            text = text.replace(secret, MASK)
        return redact(" ".join(text.split()))[:_LONGEST_ANSWER]

    def _remember(self, value: str) -> None:
        self._known |= _forms(value)


def _forms(value: str) -> set[str]:
    """`value` as it may be written in an answer: encoded, its digits only, and the telling part of an address."""
    digits = "".join(letter for letter in value if letter.isdigit())
    forms = {value, quote(value, safe="")}
    if "://" in value:
        forms |= {part for part in (urlsplit(value).path, urlsplit(value).query) if part != "/"}
        forms |= {part for part in urlsplit(value).path.split("/") if len(part) > 2 * _SHORTEST_SECRET}
    elif len(digits) == len(value.lstrip("+")):
        forms |= {digits, digits[-8:]}
    return {form for form in forms if len(form) >= _SHORTEST_SECRET}
