"""A JSON post with the whole message, signed. `Idempotency-Key` is the same at every attempt."""

import base64
import hashlib
import hmac
import json
from typing import Any

from cluster.notifications.channels.posting import Poster
from cluster.notifications.channels.secrecy import Secrets
from cluster.notifications.message import Outgoing
from cluster.settings.notifications import WebhookSettings

SIGNATURE_HEADER = "X-Safe-Yolo-Signature"


class Webhook:
    """One receiver."""

    def __init__(self, settings: WebhookSettings, secrets: Secrets) -> None:
        self._url = secrets.expand("url", settings.url)
        self._secret = secrets.expand("secret", settings.secret).encode()
        self._headers = {name: secrets.expand(f"headers.{name}", value) for name, value in settings.headers.items()}
        self._poster = Poster(secrets, settings.timeout_s)

    async def send(self, message: Outgoing) -> str:
        body = json.dumps(webhook_body(message), ensure_ascii=False).encode()
        headers = {**self._headers, "Content-Type": "application/json; charset=utf-8"}
        headers |= {"Idempotency-Key": message.message_id}
        if self._secret:
            headers[SIGNATURE_HEADER] = signature(self._secret, body)
        await self._poster.post(self._url, body, headers, message)
        return ""

    async def close(self) -> None:
        await self._poster.close()


def webhook_body(message: Outgoing) -> dict[str, Any]:
    """All that the message holds; `picture` is a JPEG in base64, or null."""
    picture = base64.b64encode(message.picture).decode() if message.picture is not None else None
    return {
        "message_id": message.message_id,
        "event_id": message.event_id,
        "correlation_id": message.correlation_id,
        "kind": message.kind.value,
        "severity": message.severity.value,
        "state": message.state.value,
        "event_type": message.event_type,
        "camera_id": message.camera_id,
        "zone_id": message.zone_id,
        "occurrence": message.occurrence,
        "opened_at": message.opened_at.isoformat(),
        "title": message.title,
        "text": message.text,
        "link": message.link,
        "acknowledge_link": message.acknowledge_link,
        "picture": picture,
    }


def signature(secret: bytes, body: bytes) -> str:
    """HMAC-SHA256 of the body as it is sent: `sha256=<hex>`."""
    return f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"
