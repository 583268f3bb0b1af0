"""One channel with its bounds: how many messages at a time and a minute. What hangs in one lane holds up no other."""

from collections.abc import Callable
from typing import Protocol

import structlog

from cluster.notifications.message import Channel, Outgoing
from cluster.notifications.pacing import Pace
from cluster.safety.errors import ChannelUnavailable, ConfigError
from cluster.safety.redaction import redact
from cluster.settings.notifications import AnyChannel

_log = structlog.get_logger()
MOST_AT_ONCE = 4


class PictureChannel(Channel, Protocol):
    """A channel that takes the picture after the message."""

    async def send_picture(self, message: Outgoing, name: str) -> None: ...


class Lane:
    """Opens its channel when it is first used, and again as long as that fails: the file of a secret may still come.

    Belongs to one event loop.
    """

    def __init__(
        self, settings: AnyChannel, open_channel: Callable[[AnyChannel], Channel], clock: Callable[[], float]
    ) -> None:
        self.settings = settings
        self.pace = Pace(settings.most_per_minute, clock)
        self._open, self._channel = open_channel, None  # type: Callable[[AnyChannel], Channel], Channel | None
        self._busy = 0

    @property
    def channel_id(self) -> str:
        return self.settings.channel_id

    def room(self) -> int:
        """How many messages may be taken in hand now."""
        return min(MOST_AT_ONCE - self._busy, self.pace.room())

    def took(self) -> None:
        """A message was taken in hand."""
        self._busy += 1
        self.pace.began()

    def let_go(self) -> None:
        """One of them needs the channel no more, for now."""
        self._busy -= 1

    async def prepare(self) -> None:
        """Does now what the first message would wait for; what hinders it hinders that message too."""
        try:
            prepare = getattr(self._opened(), "prepare", None)
            if prepare is not None:
                await prepare()
        # The border of the channel: whatever is wrong with one must not keep the others from being used.
        except Exception as error:  # noqa: BLE001
            _log.warning("notification_channel_unprepared", channel_id=self.channel_id, reason=redact(str(error)))

    async def send(self, message: Outgoing) -> str:
        """As `Channel.send`; what hinders the channel from being opened is ChannelUnavailable too."""
        return await self._opened().send(message)

    async def send_picture(self, message: Outgoing, name: str) -> None:
        """As `SlackBot.send_picture`."""
        channel: PictureChannel = self._opened()  # type: ignore[assignment]
        await channel.send_picture(message, name)

    @property
    def carries_picture(self) -> bool:
        """With the message."""
        return self.settings.kind in ("email", "webhook", "apprise")

    @property
    def picture_follows(self) -> bool:
        """After the message."""
        return self.settings.kind == "slack_bot"

    async def close(self) -> None:
        if self._channel is not None:
            await self._channel.close()

    def _opened(self) -> Channel:
        if self._channel is None:
            try:
                self._channel = self._open(self.settings)
            except ConfigError as error:
                raise ChannelUnavailable(f"channel {self.channel_id}: {error}") from error
        return self._channel
