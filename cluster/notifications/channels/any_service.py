"""Every other service that Apprise knows. It says only whether it worked, so that nothing is given up early."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cluster.notifications.channels.secrecy import Secrets
from cluster.notifications.message import Outgoing
from cluster.safety.errors import ChannelRefused, ChannelUnavailable
from cluster.safety.events import EpisodeState, Severity
from cluster.settings.notifications import AppriseSettings

_THREADS = 4
_KINDS = {Severity.CRITICAL: "failure", Severity.WARNING: "warning", Severity.INFO: "info"}


class AnyService:
    """One address. Apprise blocks: it works in a few threads of its own."""

    carries_picture = True

    def __init__(self, settings: AppriseSettings, secrets: Secrets) -> None:
        self._settings = settings
        self._url = secrets.expand("url", settings.url)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix=f"apprise-{settings.channel_id}")

    async def send(self, message: Outgoing) -> str:
        loop = asyncio.get_running_loop()
        channel, limit_s = f"channel {self._settings.channel_id}", self._settings.timeout_s
        try:
            async with asyncio.timeout(limit_s):
                taken = await loop.run_in_executor(self._threads, self._notify, message)
        except TimeoutError as error:
            raise ChannelUnavailable(f"{channel}: no answer within {limit_s:g} s", uncertain=True) from error
        if not taken:
            raise ChannelUnavailable(f"{channel}: the service did not take it", "see that its url is right")
        return ""

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _notify(self, message: Outgoing) -> bool:
        import apprise
        from apprise.attachment import memory

        service = apprise.Apprise()
        if not service.add(self._url):
            reason = f"channel {self._settings.channel_id}: Apprise does not know this kind of address"
            raise ChannelRefused(reason, "see its list of services")
        pictures: list[Any] = []
        attach: Any = memory.AttachMemory
        if message.picture is not None:
            name = f"{message.message_id}.jpg"
            pictures = [attach(content=message.picture, name=name, mimetype="image/jpeg")]
        kind = "success" if message.state is EpisodeState.CLOSED else _KINDS[message.severity]
        text = "\n".join(line for line in (message.text, message.link, message.acknowledge_link) if line)
        return bool(service.notify(body=text, title=message.title, notify_type=kind, attach=pictures or None))
