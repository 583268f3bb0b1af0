"""Slack by an incoming webhook: text and links. A repeat cannot be recognised."""

import json

from cluster.notifications.channels.posting import Poster
from cluster.notifications.channels.secrecy import Secrets
from cluster.notifications.channels.slack_text import slack_body
from cluster.notifications.message import Outgoing
from cluster.settings.notifications import SlackWebhookSettings


class SlackWebhook:
    """One room."""

    def __init__(self, settings: SlackWebhookSettings, secrets: Secrets) -> None:
        self._language = settings.language
        self._url = secrets.expand("url", settings.url)
        self._poster = Poster(secrets, settings.timeout_s)

    async def send(self, message: Outgoing) -> str:
        body = json.dumps(slack_body(message, self._language), ensure_ascii=False).encode()
        await self._poster.post(self._url, body, {"Content-Type": "application/json; charset=utf-8"}, message)
        return ""

    async def close(self) -> None:
        await self._poster.close()
