"""The Notifier dies before or after any of its steps, and another one goes on: told once where the channel can know a
repeat, at least once where it cannot, and never not at all."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from counterparts.message_receiver import MessageReceiver
from counterparts.notifying import (
    CLAIM_RUNS_OUT_S,
    PICTURE,
    Clock,
    Kill,
    Process,
    a_message,
    an_event,
    patient_engine,
    plan,
)
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncEngine

from cluster.notifications.message import MessageState
from cluster.settings.notifications import AnyChannel, SlackBotSettings, SlackWebhookSettings, WebhookSettings
from cluster.settings.site import SiteSettings
from cluster.storage.tables import events, messages

pytestmark = pytest.mark.anyio
STEPS = ("due", "get", "thread_of", "sent", "send", "accepted")
WITH_PICTURE = (*STEPS[:-1], "named", "send_picture", "accepted")


@dataclass
class World:
    receiver: MessageReceiver
    engine: AsyncEngine

    def channel(self, kind: str) -> AnyChannel:
        if kind == "slack":
            api_url = f"{self.receiver.url}/api/"
            return SlackBotSettings(
                channel_id="slack", kind="slack_bot", token="${T_TOKEN}", channel="C0ROOM", api_url=api_url
            )
        if kind == "hook":
            return WebhookSettings(channel_id="hook", kind="webhook", url="${T_URL}/hook")
        return SlackWebhookSettings(channel_id="slack-hook", kind="slack_webhook", url="${T_URL}/slack-hook")

    def arrived(self, kind: str) -> int:
        return len(self.receiver.shown() if kind == "slack" else self.receiver.taken(f"/{kind}"))

    async def empty(self) -> None:
        self.receiver.forget()
        async with self.engine.connect() as connection:
            await connection.execution_options(writes=True)
            await connection.execute(delete(messages))
            await connection.execute(delete(events))
            await connection.commit()


@pytest.fixture
def receiver() -> Iterator[MessageReceiver]:
    receiver = MessageReceiver()
    yield receiver
    receiver.stop()


@pytest.fixture
async def world(
    receiver: MessageReceiver, sqlite_site: SiteSettings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    monkeypatch.setenv("T_URL", receiver.url)
    monkeypatch.setenv("T_TOKEN", "xoxb-1")
    engine = patient_engine(sqlite_site)
    yield World(receiver, engine)
    await engine.dispose()


async def _killed_and_followed(world: World, kind: str, kill: Kill, **settings: Any) -> list[Any]:
    """The messages in the end, after one process died at `kill` and another one followed."""
    await world.empty()
    await an_event(world.engine)
    clock, channel = Clock(), world.channel(kind)
    await plan(world.engine, a_message(kind, clock))
    first = Process(world.engine, [channel], clock, kill, **settings)
    await first.until_finished()
    await first.close()
    assert kill.dead, "the step was never reached"

    clock.forward(CLAIM_RUNS_OUT_S)
    world.receiver.mend()
    second = Process(world.engine, [channel], clock, **settings)
    found = await second.until_finished()
    await second.close()
    return found


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(("kind", "steps"), [("slack", WITH_PICTURE), ("hook", STEPS)])
async def test_what_the_channel_can_recognise_is_told_once(
    world: World, kind: str, steps: tuple[str, ...], before: bool
) -> None:
    for step in steps:
        (found,) = await _killed_and_followed(world, kind, Kill(step, before=before))

        assert (step, found.state, world.arrived(kind)) == (step, MessageState.ACCEPTED, 1)
        files = [(name, content) for _, name, content in world.receiver.room.files]
        assert (step, files) == (step, [("m-slack.jpg", PICTURE)] if kind == "slack" else [])


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
async def test_what_it_cannot_recognise_is_told_all_the_same(world: World, before: bool) -> None:
    for step in STEPS:
        (found,) = await _killed_and_followed(world, "slack-hook", Kill(step, before=before))

        may_be_twice = (step, before) in {("send", False), ("accepted", True)}
        assert (step, found.state) == (step, MessageState.ACCEPTED)
        assert (step, world.arrived("slack-hook")) == (step, 2 if may_be_twice else 1)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("kind", ["slack", "hook"])
async def test_dying_over_a_channel_that_fails_loses_nothing(world: World, kind: str, before: bool) -> None:
    world.receiver.fail("500")

    (found,) = await _killed_and_followed(world, kind, Kill("retry", before=before))

    assert (found.state, world.arrived(kind)) == (MessageState.ACCEPTED, 1)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
async def test_dying_over_giving_up_leaves_a_dead_letter(world: World, before: bool) -> None:
    await world.empty()
    await an_event(world.engine)
    clock, channel, kill = Clock(), world.channel("hook"), Kill("failed", before=before)
    await plan(world.engine, a_message("hook", clock))
    world.receiver.refuses["/hook"] = (410, "gone")

    for process in (Process(world.engine, [channel], clock, kill), Process(world.engine, [channel], clock)):
        (found,) = await process.until_finished()
        await process.close()
        clock.forward(CLAIM_RUNS_OUT_S)

    assert (kill.dead, found.state) == (True, MessageState.FAILED)


async def test_two_at_once_tell_nothing_twice(world: World) -> None:
    await world.empty()
    await an_event(world.engine)
    clock, channel = Clock(), world.channel("slack-hook")
    await plan(world.engine, *(a_message("slack-hook", clock, message_id=f"m-{number}") for number in range(6)))
    one, other = (Process(world.engine, [channel], clock) for _ in range(2))

    await one.dispatch.round()
    await other.dispatch.round()
    await one.until_finished()
    await other.until_finished()
    await one.close()
    await other.close()

    assert world.arrived("slack-hook") == 6
