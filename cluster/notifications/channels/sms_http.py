"""SMS by a gateway that takes a JSON post. `Idempotency-Key` is the same at every attempt."""

import json
import re

from cluster.notifications.channels.posting import Poster
from cluster.notifications.channels.secrecy import Secrets
from cluster.notifications.channels.sms_text import sms_text
from cluster.notifications.message import Outgoing
from cluster.safety.errors import ChannelUnavailable
from cluster.settings.notifications import HttpSmsSettings

_PLACE = re.compile(r"\{(phone|text|message_id)\}")


class HttpSms:
    """One phone."""

    def __init__(self, settings: HttpSmsSettings, secrets: Secrets) -> None:
        self._secrets = secrets
        self._url = secrets.expand("url", settings.url)
        self._phone = secrets.expand("phone", settings.phone)
        self._headers = {name: secrets.expand(f"headers.{name}", value) for name, value in settings.headers.items()}
        self._body, self._accepted_if = settings.body, settings.accepted_if
        self._poster = Poster(secrets, settings.timeout_s)

    async def send(self, message: Outgoing) -> str:
        headers = {**self._headers, "Content-Type": "application/json; charset=utf-8"}
        headers |= {"Idempotency-Key": message.message_id}
        answer = await self._poster.post(self._url, self._filled(message), headers, message)
        if self._accepted_if not in answer:
            said = self._secrets.strike(answer, message)
            raise ChannelUnavailable(f"channel {self._secrets.channel_id}: the gateway did not take it ({said})")
        return ""

    async def close(self) -> None:
        await self._poster.close()

    def _filled(self, message: Outgoing) -> bytes:
        """In one pass: a camera called `{phone}` must not carry the number."""
        values = {"phone": self._phone, "text": sms_text(message), "message_id": message.message_id}
        filled = {key: _PLACE.sub(lambda found: values[found[1]], text) for key, text in self._body.items()}
        return json.dumps(filled, ensure_ascii=False).encode()
