"""Every channel on a counterpart that is down, fails, wants patience, hangs or says nothing: told once afterwards."""

import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from counterparts.message_receiver import CLOSES, FAULTS, HANGS, MessageReceiver
from counterparts.notifying import CLAIM_RUNS_OUT_S, PICTURE, Clock, Process, a_message, an_event, patient_engine, plan
from counterparts.smtp_server import SmtpServer
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from cluster.notifications.channels.webhook import signature
from cluster.notifications.message import MessageKind, MessageState
from cluster.safety.events import EpisodeState
from cluster.safety.messages import PlannedMessage
from cluster.settings.notifications import (
    AnyChannel,
    AppriseSettings,
    EmailSettings,
    HttpSmsSettings,
    SlackBotSettings,
    SlackWebhookSettings,
    SnsSmsSettings,
    WebhookSettings,
)
from cluster.settings.site import SiteSettings
from cluster.storage.events import EventStore

pytestmark = pytest.mark.anyio
TOKEN, PHONE, SIGNING = "xoxb-111-geheim", "+821012345678", "hmac-geheim"
SECRETS = ("geheim", "1012345678", "/api/v1/acknowledge/")
UNRECOGNISED = {"slack-hook", "sns", "apprise"}
"""Kinds whose counterpart cannot know a repeat: told again rather than never, if an attempt may have arrived."""


@dataclass
class World:
    receiver: MessageReceiver
    smtp: SmtpServer
    engine: AsyncEngine
    clock: Clock

    def channels(self, timeout_s: float = 30) -> list[AnyChannel]:
        bound: dict[str, Any] = {"timeout_s": timeout_s}
        hook, sms = "${T_URL}/slack-hook", "${T_URL}/sms"
        mail: dict[str, Any] = {"host": "127.0.0.1", "port": self.smtp.port, "security": "none"}
        return [
            SlackWebhookSettings(channel_id="slack-hook", kind="slack_webhook", url=hook, **bound),
            SlackBotSettings(
                channel_id="slack", kind="slack_bot", token="${T_TOKEN}", channel="C0ROOM",
                api_url=f"{self.receiver.url}/api/", **bound,
            ),
            SnsSmsSettings(
                channel_id="sns", kind="sms_sns", phone="${T_PHONE}", endpoint=f"{self.receiver.url}/sns/",
                **bound,
            ),
            HttpSmsSettings(channel_id="sms", kind="sms_http", url=sms, phone="${T_PHONE}", **bound),
            WebhookSettings(
                channel_id="hook", kind="webhook", url="${T_URL}/hook", secret="${T_SIGNING}", **bound
            ),
            EmailSettings(channel_id="mail", kind="email", sender="a@s.example", to=("b@s.example",), **mail, **bound),
            AppriseSettings(channel_id="apprise", kind="apprise", url="${T_APPRISE}", **bound),
        ]  # fmt: skip

    def arrived(self, channel_id: str) -> int:
        """How often a person was told."""
        if channel_id == "slack":
            return len(self.receiver.shown())
        if channel_id == "mail":
            return len(self.smtp.mails)
        return len(self.receiver.taken("/sns/" if channel_id == "sns" else f"/{channel_id}"))


@pytest.fixture(scope="module")
def receiver() -> Iterator[MessageReceiver]:
    receiver = MessageReceiver()
    yield receiver
    receiver.stop()


@pytest.fixture
async def world(
    receiver: MessageReceiver, sqlite_site: SiteSettings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    receiver.forget()
    receiver.retry_after_s = 0.3
    secrets = {"T_URL": receiver.url, "T_TOKEN": TOKEN, "T_PHONE": PHONE, "T_SIGNING": SIGNING}
    secrets |= {"T_APPRISE": f"{receiver.url.replace('http', 'json')}/apprise", "AWS_SECRET_ACCESS_KEY": "aws-geheim"}
    for name, value in {**secrets, "AWS_ACCESS_KEY_ID": "AK"}.items():
        monkeypatch.setenv(name, value)
    smtp, engine = SmtpServer(), patient_engine(sqlite_site)
    yield World(receiver, smtp, engine, Clock())
    await engine.dispose()
    smtp.stop()


async def _told(world: World, process: Process) -> None:
    found = await process.until_finished()
    assert {one.channel_id: one.state for one in found} == {
        one.channel_id: MessageState.ACCEPTED for one in world.channels()
    }


@pytest.mark.parametrize("fault", FAULTS)
async def test_every_channel_tells_once_when_its_fault_is_over(
    world: World, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "aiosqlite")
    await an_event(world.engine)
    channels = world.channels()
    await plan(world.engine, *(a_message(one.channel_id, world.clock) for one in channels))

    world.receiver.fail(fault)
    world.smtp.fail(fault)
    troubled = Process(world.engine, world.channels(0.5) if fault == HANGS else channels, world.clock)
    tried = await troubled.until("all failed once", lambda found: all(one.last_error for one in found))
    await troubled.close()
    world.receiver.mend()
    world.smtp.mend()
    world.clock.forward(CLAIM_RUNS_OUT_S)
    process = Process(world.engine, channels, world.clock)
    await _told(world, process)
    await process.close()

    often = {one.channel_id for one in channels if world.arrived(one.channel_id) != 1}
    assert often <= (UNRECOGNISED if fault == CLOSES else set())
    assert all(world.arrived(one.channel_id) for one in channels)
    assert [(name, content) for _, name, content in world.receiver.room.files] == [("m-slack.jpg", PICTURE)]
    said = caplog.text + "".join(one.last_error for one in tried)
    assert not [secret for secret in SECRETS if secret in said]


async def test_a_channel_that_hangs_delays_no_other(world: World) -> None:
    await an_event(world.engine)
    slow = WebhookSettings(channel_id="hook", kind="webhook", url="${T_URL}/hook", timeout_s=30)
    other = HttpSmsSettings(channel_id="sms", kind="sms_http", url="${T_URL}/sms", phone="${T_PHONE}")
    many = [a_message("hook", world.clock, message_id=f"m-{number}") for number in range(20)]
    await plan(world.engine, *many, a_message("sms", world.clock))
    process = Process(world.engine, [slow, other], world.clock)

    with world.receiver.failing(HANGS, "/hook"):
        found = await process.until(
            "sms", lambda found: any(one.state is MessageState.ACCEPTED for one in found if one.channel_id == "sms")
        )
        await process.dispatch.finish(0.0)

    assert [one.channel_id for one in found if one.state is MessageState.ACCEPTED] == ["sms"]
    assert sum(one.state is not MessageState.WAITING for one in found if one.channel_id == "hook") == 4


@pytest.mark.parametrize(
    ("path", "answer", "channel_id"),
    [
        ("/slack-hook", (404, "no_service"), "slack-hook"),
        ("/api/chat.postMessage", (200, '{"ok": false, "error": "invalid_auth"}'), "slack"),
        ("/sns/", (403, "<E><Error><Code>InvalidClientTokenId</Code></Error></E>"), "sns"),
        ("/sms", (401, "unknown"), "sms"),
        ("/hook", (302, ""), "hook"),
    ],
)
async def test_what_never_heals_is_a_dead_letter_at_once(
    world: World, path: str, answer: tuple[int, str], channel_id: str
) -> None:
    await an_event(world.engine)
    await plan(world.engine, a_message(channel_id, world.clock))
    world.receiver.refuses[path] = answer
    process = Process(world.engine, world.channels(), world.clock)

    (found,) = await process.until_finished()
    await process.close()

    assert (found.state, found.attempts) == (MessageState.FAILED, 1)
    assert found.last_error.startswith(f"channel {channel_id}: answered ")


async def test_recipients_that_a_mail_server_refuses_are_a_dead_letter(world: World) -> None:
    await an_event(world.engine)
    await plan(world.engine, a_message("mail", world.clock))
    world.smtp.refuses = "550 no such user"
    process = Process(world.engine, world.channels(), world.clock)

    (found,) = await process.until_finished()

    assert (found.state, "550" in found.last_error) == (MessageState.FAILED, True)


@pytest.mark.parametrize(
    ("answers", "state", "told"),
    [
        ({"b@s.example": "451 later"}, MessageState.ACCEPTED, ["a@s.example", "b@s.example"]),
        ({"b@s.example": "550 no such user"}, MessageState.ACCEPTED, ["a@s.example"]),
        ({"a@s.example": "550 no", "b@s.example": "451 later"}, MessageState.ACCEPTED, ["b@s.example"]),
    ],
)
async def test_each_recipient_of_a_mail_is_told_once_or_said_to_be_refused(
    world: World, answers: dict[str, str], state: MessageState, told: list[str]
) -> None:
    await an_event(world.engine)
    await plan(world.engine, a_message("mail", world.clock))
    (mail,) = [one for one in world.channels() if isinstance(one, EmailSettings)]
    both = mail.model_copy(update={"to": ("Leader <a@s.example>", "b@s.example")})
    world.smtp.refuses_one = answers
    process = Process(world.engine, [both], world.clock)

    with capture_logs() as said:
        await process.until("tried", lambda found: bool(found[0].last_error) or found[0].state is state)
        world.smtp.refuses_one = {one: answer for one, answer in answers.items() if answer.startswith("5")}
        (found,) = await process.until_finished()
    await process.close()

    refused = [line for line in said if line["event"] == "notification_recipient_refused"]
    assert (found.state, world.smtp.taken_for) == (state, told)
    assert [line["log_level"] for line in refused] == ["critical"] * len(world.smtp.refuses_one)


async def test_credentials_that_come_later_are_used_then(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    await an_event(world.engine)
    await plan(world.engine, a_message("sns", world.clock))
    process = Process(world.engine, world.channels(), world.clock)

    (tried,) = await process.until("tried", lambda found: bool(found[0].last_error))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AK")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "aws-geheim")
    (found,) = await process.until_finished()
    await process.close()

    assert ("NoCredentials" in tried.last_error, tried.uncertain) == (True, False)
    assert (found.state, world.arrived("sns")) == (MessageState.ACCEPTED, 1)


async def test_what_each_channel_says(world: World) -> None:
    await an_event(world.engine)
    await plan(world.engine, *(a_message(one.channel_id, world.clock) for one in world.channels()))
    process = Process(world.engine, world.channels(), world.clock)
    await _told(world, process)
    await process.close()
    taken = world.receiver.taken

    title = "[위험] 위험 구역 침입 · 정문 · press"
    acknowledge = "https://site.example/api/v1/acknowledge/"
    (hook,) = taken("/hook")
    assert (hook.body()["title"], hook.body()["message_id"]) == (title, "m-hook")
    assert hook.headers["x-safe-yolo-signature"] == signature(SIGNING.encode(), hook.content)
    (sms,) = taken("/sms")
    assert (sms.body()["to"], sms.body()["id"], sms.headers["idempotency-key"]) == (PHONE, "m-sms", "m-sms")
    assert sms.body()["text"].startswith("[위험] 위험 구역 침입 정문 · press 21:00:01\n" + acknowledge)
    (sns,) = taken("/sns/")
    assert (sns.body()["PhoneNumber"], sns.body()["Message"].split("\n")[0]) == (
        PHONE,
        sms.body()["text"].split("\n")[0],
    )
    (slack_hook,) = taken("/slack-hook")
    assert (slack_hook.body()["text"], acknowledge in slack_hook.content.decode()) == (title, True)
    (mail,) = world.smtp.mails
    assert (mail["Message-ID"], mail["Subject"]) == ("<m-mail@s.example>", title)
    assert [part.get_content() for part in mail.iter_attachments()] == [PICTURE]
    (apprise,) = taken("/apprise")
    assert (apprise.body()["title"], apprise.body()["attachments"][0]["mimetype"]) == (title, "image/jpeg")


async def test_the_end_changes_the_post_and_follows_the_mail(world: World) -> None:
    await an_event(world.engine, state=EpisodeState.CLOSED)
    ways = [one for one in world.channels() if one.channel_id in ("slack", "mail")]
    later: dict[str, Any] = {"kind": MessageKind.CLOSED}
    beginnings = [a_message(one.channel_id, world.clock) for one in ways]
    ends = [a_message(one.channel_id, world.clock, message_id=f"e-{one.channel_id}", **later) for one in ways]
    await plan(world.engine, *beginnings, *ends)
    process = Process(world.engine, ways, world.clock)

    await process.until_finished()
    await process.close()

    (post,) = world.receiver.shown()
    assert (post["updated"], json.loads(json.dumps(post))["text"].startswith("[종료 · 위험]")) == (True, True)
    first, end = world.smtp.mails
    assert (end["References"], end["In-Reply-To"]) == (first["Message-ID"], first["Message-ID"])


async def test_a_picture_that_comes_late_follows_into_the_thread(world: World) -> None:
    await an_event(world.engine, picture=False)
    bot = [one for one in world.channels() if one.channel_id == "slack"]
    await plan(world.engine, a_message("slack", world.clock))
    process = Process(world.engine, bot, world.clock)

    await process.until("posted", lambda _: bool(world.receiver.shown()))
    assert not world.receiver.room.files
    await EventStore(world.engine).snapshot_stored("event-1", "gate-1/one.jpg")
    (found,) = await process.until_finished()
    await process.close()

    assert [name for _, name, _ in world.receiver.room.files] == ["m-slack.jpg"]
    assert found.state is MessageState.ACCEPTED


async def test_a_message_goes_without_a_picture_that_does_not_come(world: World) -> None:
    await an_event(world.engine, picture=False)
    await plan(world.engine, a_message("hook", world.clock))
    process = Process(world.engine, world.channels(), world.clock, picture_wait_s=0.2)

    await process.until_finished()
    await process.close()

    assert world.receiver.taken("/hook")[0].body()["picture"] is None


async def test_a_message_is_given_up_in_the_end(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await an_event(world.engine)
    await plan(world.engine, a_message("hook", world.clock))
    process = Process(world.engine, world.channels(), world.clock, give_up_after_s=60)

    with world.receiver.failing("500"):
        await process.until("tried", lambda found: found[0].attempts > 1)
        world.clock.forward(61)

        def given_up(found: list[PlannedMessage]) -> bool:
            world.clock.forward(2)  # to the next attempt: five at least
            return found[0].state is MessageState.FAILED

        (found,) = await process.until("given up", given_up)
    await process.close()

    assert found.state is MessageState.FAILED
