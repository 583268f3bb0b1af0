"""`safe-yolo notify`: what a person types, onto a channel."""

import asyncio
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from cluster.operation import ray_state
from cluster.operation.findings import Finding, Level
from cluster.operation.printing import say, show_findings
from cluster.operation.serve_file import SERVE_FILE, load_serve_file
from cluster.safety.errors import ChannelError, ConfigError
from cluster.settings.load import load_site
from cluster.settings.notifications import AnyChannel
from cluster.settings.site import SiteSettings

notify_app = typer.Typer(help="Look at the channels by which people are told.", no_args_is_help=True)

Config = Annotated[str, typer.Option("--config", "-c", help="The Serve configuration. Default: of the site that runs.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a channel said to a test message. `error` is "" if it took it, and then called it `name`."""

    channel_id: str
    took_s: float
    name: str = ""
    error: str = ""
    mend: str = ""

    def as_finding(self) -> Finding:
        if self.error:
            return Finding(Level.ERROR, self.channel_id, self.error, self.mend)
        called = f", calls it {self.name}" if self.name else ""
        return Finding(Level.OK, self.channel_id, f"took the test message in {self.took_s:.2f} s{called}")


@notify_app.command("list")
def show_channels(config: Config = "") -> None:
    """The channels of the site, and which rules name them."""
    settings = _site(config)[1].notifications
    for channel in settings.channels:
        named = sorted(
            {rule.name for rule in settings.rules for step in rule.steps if channel.channel_id in step.channels}
        )
        say(f"{channel.channel_id}  {channel.kind}  {', '.join(named) or 'no rule names it'}")
    if not settings.channels:
        say("nobody is told: site.yaml has no notifications.channels")


@notify_app.command("test")
def try_channels(
    channel: Annotated[list[str] | None, typer.Argument(metavar="CHANNEL...", help="Default: all of them.")] = None,
    config: Config = "",
    as_json: AsJson = False,
) -> None:
    """Send a clearly marked test message and say what the channel answered. Exit code 1: one did not take it.

    Secrets come from the environment of this command: start it where the site's variables are set.
    """
    file, site = _site(config)
    answers = asyncio.run(_tested(_chosen(file, site, channel or []), site))
    show_findings([answer.as_finding() for answer in answers], as_json)
    if any(answer.error for answer in answers):
        raise typer.Exit(1)


def _site(config: str) -> tuple[str, SiteSettings]:
    state = ray_state.load()
    file = load_serve_file(config or (state.config if state is not None else "") or SERVE_FILE).site_file
    return file, load_site(file)


def _chosen(file: str, site: SiteSettings, names: list[str]) -> list[AnyChannel]:
    known = {channel.channel_id: channel for channel in site.notifications.channels}
    for name in names:
        if name not in known:
            reason = f"no such channel; there are {', '.join(known) or 'none'}"
            raise ConfigError(file, "notifications.channels", repr(name), reason)
    return [known[name] for name in names or known]


async def _tested(channels: list[AnyChannel], site: SiteSettings) -> list[Answer]:
    return list(await asyncio.gather(*(_test(channel, site) for channel in channels)))


async def _test(settings: AnyChannel, site: SiteSettings) -> Answer:
    from cluster.notifications.channels.opening import open_channel  # other commands start faster without

    begun_s = time.monotonic()

    def answer(name: str = "", error: str = "", mend: str = "") -> Answer:
        return Answer(settings.channel_id, time.monotonic() - begun_s, name, error, mend)

    try:
        channel: Any = open_channel(settings)
    except ConfigError as error:
        return answer(error=str(error))
    try:
        message = marked_message(settings, site, datetime.now(UTC))
        name: str = await channel.send(message)
        if settings.kind == "slack_bot":
            await channel.send_picture(message, name)
    except ChannelError as error:
        return answer(error=error.reason, mend=error.mend)
    finally:
        await channel.close()
    return answer(name)


def marked_message(settings: AnyChannel, site: SiteSettings, now: datetime) -> Any:
    """A message that nobody can take for an alarm, as the channel sends it."""
    from cluster.notifications.message import MessageKind, Outgoing
    from cluster.notifications.texts import Composer
    from cluster.safety.events import EpisodeState, Severity

    words = Composer(site.name, site.time_zone).test_words(settings.language, now)
    number = uuid.uuid4().hex
    return Outgoing(
        message_id=f"test-{number}",
        event_id=f"test-{number}",
        correlation_id="test",
        kind=MessageKind.OPENED,
        severity=Severity.INFO,
        state=EpisodeState.OPEN,
        event_type="TEST",
        camera_id="",
        zone_id="",
        opened_at=now,
        title=words.title,
        text=words.text,
        short=words.short,
        link=site.notifications.page_url,
        picture=_picture(),
    )


def _picture() -> bytes:
    """A grey JPEG that says TEST."""
    import cv2
    import numpy as np

    image = np.full((180, 320, 3), 96, np.uint8)
    cv2.putText(image, "SAFE-YOLO TEST", (24, 100), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (255, 255, 255), 2, cv2.LINE_AA)
    return bytes(cv2.imencode(".jpg", image)[1])
