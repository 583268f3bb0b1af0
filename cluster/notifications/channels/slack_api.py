"""Slack's Web API by its own library; what goes wrong becomes a `ChannelError`."""

import json
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from cluster.notifications.channels.answers import failure_of
from cluster.notifications.channels.secrecy import Secrets
from cluster.notifications.message import Outgoing
from cluster.safety.errors import ChannelError, ChannelUnavailable
from cluster.settings.notifications import SlackBotSettings

_NOT_NOW = frozenset({
    "ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout",
    "team_added_to_org", "accesslimited",
})  # fmt: skip
_MAY_HAVE_ARRIVED = frozenset({"internal_error", "fatal_error", "request_timeout"})
_AS_JSON = frozenset({"chat.postMessage", "chat.update"})
_NEVER_LEFT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


class SlackApi:
    """One token. The library neither repeats calls nor logs them here. Times are bounded by the caller."""

    def __init__(self, settings: SlackBotSettings, secrets: Secrets) -> None:
        self._settings, self._secrets = settings, secrets
        self._token = secrets.expand("token", settings.token)
        self._made: tuple[aiohttp.ClientSession, AsyncWebClient] | None = None

    @property
    def channel_id(self) -> str:
        return self._settings.channel_id

    async def call(self, method: str, message: Outgoing | None, **arguments: Any) -> dict[str, Any]:
        """Slack's answer.

        Raises:
            ChannelRefused, ChannelUnavailable.
        """
        json_body, form = (arguments, None) if method in _AS_JSON else (None, arguments)
        try:
            answer = await self._opened()[1].api_call(method, json=json_body, data=form)
        except SlackApiError as error:
            raise self._answered(method, error, message) from error
        except (aiohttp.ClientError, SlackClientError, OSError) as error:
            raise self._unanswered(error) from error
        return dict(answer.data) if isinstance(answer.data, dict) else {}

    async def upload(self, file: str, content: bytes, title: str, channel: str, ts: str) -> None:
        """A file into the thread `ts` of `channel`: announced, sent, and only then shown."""
        place = await self.call("files.getUploadURLExternal", None, filename=file, length=len(content))
        await self._send_file(place["upload_url"], content)
        files = json.dumps([{"id": place["file_id"], "title": title}], ensure_ascii=False)
        await self.call("files.completeUploadExternal", None, files=files, channel_id=channel, thread_ts=ts)

    async def close(self) -> None:
        if self._made is not None:
            await self._made[0].close()

    async def _send_file(self, url: str, content: bytes) -> None:
        try:
            async with self._opened()[0].post(url, data=content, allow_redirects=False) as answer:
                failure = failure_of(self.channel_id, answer.status, "", answer.headers)
        except (aiohttp.ClientError, OSError) as error:
            raise self._unanswered(error) from error
        if failure is not None:
            raise failure

    def _opened(self) -> tuple[aiohttp.ClientSession, AsyncWebClient]:
        """Made by the first call, because connections belong to the event loop that uses them."""
        if self._made is None:
            session = aiohttp.ClientSession(trust_env=True)
            client = AsyncWebClient(self._token, self._settings.api_url, session=session, retry_handlers=[])
            self._made = session, client
        return self._made

    def _answered(self, method: str, error: SlackApiError, message: Outgoing | None) -> ChannelError:
        answer = error.response
        status = int(getattr(answer, "status_code", 0) or getattr(answer, "status", 0) or 500)
        headers = {name.lower(): str(value) for name, value in dict(answer.headers).items()}
        data = getattr(answer, "data", None)
        code = str(data.get("error", "")) if isinstance(data, dict) else ""
        said = self._secrets.strike(code, message)
        if status < 300:  # Slack says what it refuses with 200
            status = (500 if code in _MAY_HAVE_ARRIVED else 503) if code in _NOT_NOW else 400
        failure = failure_of(self.channel_id, status, said, headers)
        return failure or ChannelUnavailable(f"channel {self.channel_id}: {method} failed")

    def _unanswered(self, error: Exception) -> ChannelUnavailable:
        reason = f"channel {self.channel_id}: {type(error).__name__} before the answer"
        return ChannelUnavailable(reason, uncertain=not isinstance(error, _NEVER_LEFT))
