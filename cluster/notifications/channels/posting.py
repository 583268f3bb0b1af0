"""Posts over HTTP, bounded in time; what goes wrong becomes a `ChannelError`."""

import asyncio
from collections.abc import Mapping

import httpx

from cluster.notifications.channels.answers import failure_of
from cluster.notifications.channels.secrecy import Secrets
from cluster.notifications.message import Outgoing
from cluster.safety.errors import ChannelRefused, ChannelUnavailable

# A connection that is not made is known not to have carried anything, so it is given up first.
_CONNECTING_SHARE = 0.8
_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_MOST_READ = 64 * 1024


class Poster:
    """Connections of one channel only, so that one that hangs takes none from others. Follows no redirects: they
    would carry the message, and its links, to where nobody configured it."""

    def __init__(self, secrets: Secrets, timeout_s: float) -> None:
        self._secrets, self._timeout_s = secrets, timeout_s
        self._client: httpx.AsyncClient | None = None

    async def post(self, url: str, content: bytes, headers: Mapping[str, str], message: Outgoing) -> str:
        """The text of a 2xx answer.

        Raises:
            ChannelRefused, ChannelUnavailable.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._post(url, content, headers, message)
        except TimeoutError as error:
            raise self._not_now(f"no answer within {self._timeout_s:g} s", uncertain=True) from error
        except _NEVER_LEFT as error:
            raise self._not_now("no connection", uncertain=False) from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
            reason = f"channel {self._secrets.channel_id}: its url is no address"
            raise ChannelRefused(reason, "begin it with https://") from error
        except httpx.HTTPError as error:
            raise self._not_now(f"{type(error).__name__} before the answer", uncertain=True) from error

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _post(self, url: str, content: bytes, headers: Mapping[str, str], message: Outgoing) -> str:
        async with self._opened().stream("POST", url, content=content, headers=headers) as answer:
            text = await _beginning(answer)
        failure = failure_of(
            self._secrets.channel_id, answer.status_code, self._secrets.strike(text, message), answer.headers
        )
        if failure is not None:
            raise failure
        return text

    def _opened(self) -> httpx.AsyncClient:
        """Made by the first call, because connections belong to the event loop that uses them."""
        if self._client is None:
            timeout = httpx.Timeout(self._timeout_s, connect=self._timeout_s * _CONNECTING_SHARE)
            self._client = httpx.AsyncClient(timeout=timeout, follow_redirects=False)
        return self._client

    def _not_now(self, reason: str, *, uncertain: bool) -> ChannelUnavailable:
        return ChannelUnavailable(f"channel {self._secrets.channel_id}: {reason}", uncertain=uncertain)


async def _beginning(answer: httpx.Response) -> str:
    """The text of the answer, of which nobody needs more than a page."""
    found = b""
    async for part in answer.aiter_bytes():
        found += part
        if len(found) >= _MOST_READ:
            break
    return found[:_MOST_READ].decode("utf-8", "replace")
