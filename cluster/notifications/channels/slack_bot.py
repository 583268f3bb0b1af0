"""Slack by a bot: updates change the message, pictures follow into its thread, repeats are recognised."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from cluster.notifications.channels.secrecy import Secrets
from cluster.notifications.channels.slack_api import SlackApi
from cluster.notifications.channels.slack_text import METADATA_TYPE, slack_body, slack_metadata
from cluster.notifications.message import MessageKind, Outgoing
from cluster.safety.errors import ChannelRefused, ChannelUnavailable
from cluster.settings.notifications import SlackBotSettings

_MOST_LOOK_UPS = 5
"""So many attempts look for the earlier ones; after that a second post is better than none."""
_MOST_PAGES, _PAGE = 5, 200
_BEFORE = timedelta(minutes=1)
_CANNOT_LOOK = frozenset({"missing_scope", "channel_not_found", "not_in_channel", "not_allowed_token_type"})
_CANNOT_CHANGE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})


class SlackBot:
    """One room. What Slack calls a message is kept as `<channel>:<ts>`."""

    picture_follows = True

    def __init__(self, settings: SlackBotSettings, secrets: Secrets) -> None:
        self._language, self._timeout_s = settings.language, settings.timeout_s
        self._channel = settings.channel
        self._api = SlackApi(settings, secrets)

    async def send(self, message: Outgoing) -> str:
        async with self._bounded():
            if message.kind is MessageKind.CLOSED and message.thread:
                return await self._change(message)
            known = await self._find(message) if message.uncertain else ""
            return known or await self._post(message)

    async def send_picture(self, message: Outgoing, name: str) -> None:
        """Puts `message.picture` into the thread of the message that Slack calls `name`, if it is not there.

        Raises:
            ChannelRefused, ChannelUnavailable: as in `send`.
        """
        channel, ts = _parts(name)
        file = f"{message.message_id}.jpg"
        async with self._bounded():
            if message.uncertain and await self._has_picture(channel, ts, file):
                return
            await self._api.upload(file, message.picture or b"", message.title, channel, ts)

    async def close(self) -> None:
        await self._api.close()

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except TimeoutError as error:
            reason = f"channel {self._api.channel_id}: no answer within {self._timeout_s:g} s"
            raise ChannelUnavailable(reason, uncertain=True) from error

    async def _post(self, message: Outgoing) -> str:
        said: dict[str, Any] = {**slack_body(message, self._language), "metadata": slack_metadata(message)}
        if message.thread:  # worse, or nobody came: in the thread, and in the room too
            said |= {"thread_ts": _parts(message.thread)[1], "reply_broadcast": True}
        answer = await self._api.call("chat.postMessage", message, channel=self._channel, unfurl_links=False, **said)
        return f"{answer['channel']}:{answer['ts']}"

    async def _change(self, message: Outgoing) -> str:
        channel, ts = _parts(message.thread)
        said = {**slack_body(message, self._language), "metadata": slack_metadata(message)}
        try:
            await self._api.call("chat.update", message, channel=channel, ts=ts, **said)
        except ChannelRefused as error:
            if not _says(error, _CANNOT_CHANGE):
                raise
            return await self._post(message)
        return message.thread

    async def _find(self, message: Outgoing) -> str:
        """What Slack calls the message if an earlier attempt arrived, else "".

        Raises:
            ChannelUnavailable: Slack does not say; posting now might be the second time.
        """
        channel = _parts(message.thread)[0] or self._channel
        try:
            async for found in self._history(channel, message):
                if _is_of(found, message):
                    return f"{channel}:{found['ts']}"
        except ChannelRefused as error:
            if not _says(error, _CANNOT_LOOK):
                raise
        except ChannelUnavailable:
            if message.attempt <= _MOST_LOOK_UPS:
                raise
        return ""

    async def _history(self, channel: str, message: Outgoing) -> AsyncIterator[dict[str, Any]]:
        """What was posted since the event, the newest first."""
        asked: dict[str, Any] = {"channel": channel, "limit": _PAGE, "include_all_metadata": True}
        asked["oldest"] = f"{(message.opened_at - _BEFORE).timestamp():.6f}"
        for _ in range(_MOST_PAGES):
            answer = await self._api.call("conversations.history", message, **asked)
            for found in answer.get("messages") or ():
                yield found
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return
            asked["cursor"] = cursor

    async def _has_picture(self, channel: str, ts: str, file: str) -> bool:
        try:
            answer = await self._api.call("conversations.replies", None, channel=channel, ts=ts, limit=_PAGE)
        except ChannelRefused:
            return False
        files = (one for reply in answer.get("messages") or () for one in reply.get("files") or ())
        return any(one.get("name") == file for one in files)


def _parts(name: str) -> tuple[str, str]:
    channel, _, ts = name.rpartition(":")
    return channel, ts


def _is_of(found: dict[str, Any], message: Outgoing) -> bool:
    metadata = found.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return metadata.get("event_type") == METADATA_TYPE and payload.get("message_id") == message.message_id


def _says(error: ChannelRefused, codes: frozenset[str]) -> bool:
    return any(f"({code})" in error.reason for code in codes)
