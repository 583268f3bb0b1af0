"""The secrets of one channel: expanded where they are used, and struck from all that the channel says."""

import logging
import re
from urllib.parse import quote, urlsplit

from cluster.notifications.message import Outgoing
from cluster.safety.redaction import MASK, redact
from cluster.settings.environment import expand

_LONGEST_ANSWER = 200
_SHORTEST_SECRET = 4
_PHONE = re.compile(r"[\d\s().+-]+")
_SHORTEST_PHONE, _OWN_PART, _COUNTRY = 8, 8, "82"
_BETWEEN_DIGITS = r"[\s().+-]{0,3}"
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
        self._phones: list[re.Pattern[str]] = []

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
        for phone in self._phones:
            text = phone.sub(MASK, text)
        return redact(" ".join(text.split()))[:_LONGEST_ANSWER]

    def _remember(self, value: str) -> None:
        self._known |= _forms(value)
        self._phones += _phones(value)


def _forms(value: str) -> set[str]:
    """`value` as it may be written in an answer: encoded, and the telling part of an address."""
    forms = {value, quote(value, safe="")}
    if "://" in value:
        forms |= {part for part in (urlsplit(value).path, urlsplit(value).query) if part != "/"}
        forms |= {part for part in urlsplit(value).path.split("/") if len(part) > 2 * _SHORTEST_SECRET}
    return {form for form in forms if len(form) >= _SHORTEST_SECRET}


def _phones(value: str) -> list[re.Pattern[str]]:
    """What finds `value`, if it is a number to call, however an answer groups it, the longest spelling first."""
    digits = re.sub(r"\D", "", value)
    if not _PHONE.fullmatch(value) or len(digits) < _SHORTEST_PHONE:
        return []
    forms = {digits, digits[-_OWN_PART:]}
    if digits.startswith("0"):
        forms |= {_COUNTRY + digits, _COUNTRY + digits[1:]}
    elif digits.startswith(_COUNTRY):
        own = digits.removeprefix(_COUNTRY).removeprefix("0")
        forms |= {_COUNTRY + own, f"{_COUNTRY}0{own}", f"0{own}"}
    spelled = (r"\+?\(?" + _BETWEEN_DIGITS.join(form) for form in sorted(forms, key=len, reverse=True))
    return [re.compile(spelling) for spelling in spelled]
