"""The Notifier's own classes on a real database and real channels, without Ray: planned messages in, and what came of
them. A `Process` may be killed at any of its calls; another one then goes on."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from counterparts.events import safety_event
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from cluster.notifications.channels.opening import open_channel
from cluster.notifications.delivery import Delivery
from cluster.notifications.dispatch import CLAIM_S, Dispatch
from cluster.notifications.lane import Lane
from cluster.notifications.links import AcknowledgeLinks
from cluster.notifications.message import Channel, MessageKind, MessageState
from cluster.notifications.pacing import Patience
from cluster.notifications.snapshots import Snapshots
from cluster.notifications.texts import Composer
from cluster.notifications.writing import Writing
from cluster.safety.events import SafetyEvent
from cluster.safety.messages import PlannedMessage
from cluster.settings.notifications import AnyChannel
from cluster.settings.site import SiteSettings
from cluster.storage.engine import create_engine
from cluster.storage.events import EventStore
from cluster.storage.message_rows import message_values
from cluster.storage.messages import MessageStore
from cluster.storage.tables import messages

PICTURE = b"\xff\xd8picture\xff\xd9"
PATIENCE_S = 60.0
"""Ends a broken test; no figure of the product."""


class Kill:
    """Ends a process at its first call of `at`, before or after that was carried out; "": never. No code of a process
    that is gone goes on: its calls wait for ever."""

    def __init__(self, at: str = "", *, before: bool = True) -> None:
        self._at, self._before = at, before
        self.dead = False

    async def through(self, name: str, call: Callable[[], Awaitable[Any]]) -> Any:
        await self._stand_still_if_dead()
        self.dead = name == self._at and self._before
        await self._stand_still_if_dead()
        answer = await call()
        self.dead = self.dead or name == self._at
        await self._stand_still_if_dead()
        return answer

    async def _stand_still_if_dead(self) -> None:
        if self.dead:
            await asyncio.Event().wait()


class Calls:
    """Everything that is asked of `inside` goes through `kill`."""

    def __init__(self, inside: Any, kill: Kill) -> None:
        self._inside, self._kill = inside, kill

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inside, name)
        if name == "close":
            return method

        async def call(*arguments: Any, **named: Any) -> Any:
            return await self._kill.through(name, lambda: method(*arguments, **named))

        return call


class Clock:
    """Goes on by itself, and by hand as well."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def forward(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)


def patient_engine(site: SiteSettings) -> AsyncEngine:
    """On the site's database; many write at once here, and how fast the disk is decides nothing."""
    database = site.database.model_copy(update={"timeout_s": PATIENCE_S})
    return create_engine(site.model_copy(update={"database": database}))


class OnePicture:
    """A snapshot store that holds one."""

    async def get(self, name: str) -> bytes:
        return PICTURE


class Process:
    """One Notifier."""

    def __init__(
        self,
        engine: AsyncEngine,
        channels: Sequence[AnyChannel],
        clock: Clock,
        kill: Kill | None = None,
        *,
        opened: Callable[[AnyChannel], Channel] = open_channel,
        give_up_after_s: float = 600,
        picture_wait_s: float = 1.0,
    ) -> None:
        self.kill, self.clock = kill or Kill(), clock
        self.store, self.events = MessageStore(engine, clock.now), EventStore(engine)
        store, events = Calls(self.store, self.kill), Calls(self.events, self.kill)
        loop = asyncio.get_running_loop()

        def killable(settings: AnyChannel) -> Channel:
            return Calls(opened(settings), self.kill)  # type: ignore[return-value]

        self.lanes = [Lane(channel, killable, loop.time) for channel in channels]
        links = AcknowledgeLinks("s3cret-key", "https://site.example", 3600)
        writing = Writing(Composer("공장", "Asia/Seoul"), links, "https://site.example", lambda _: "정문", clock.now)
        snapshots = Snapshots(events, OnePicture(), loop.time)  # type: ignore[arg-type]
        patience = Patience(give_up_after_s, lambda: 0.5)
        delivery = Delivery(store, events, snapshots, writing, patience, picture_wait_s)  # type: ignore[arg-type]
        self.dispatch = Dispatch(store, self.lanes, delivery, f"p-{id(self)}", clock.now)  # type: ignore[arg-type]

    async def until(self, what: str, done: Callable[[list[PlannedMessage]], bool]) -> list[PlannedMessage]:
        """Works until `done` holds for all messages; ends too when the process is killed."""
        async with asyncio.timeout(PATIENCE_S):
            while not self.kill.dead:
                await self._round()
                if done(await all_messages(self.store)):
                    break
                await asyncio.sleep(0.1)
        return await all_messages(self.store)

    async def _round(self) -> None:
        task = asyncio.create_task(self.dispatch.round())
        while not task.done() and not self.kill.dead:
            await asyncio.wait({task}, timeout=0.01)
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()

    async def until_finished(self) -> list[PlannedMessage]:
        finished = {MessageState.ACCEPTED, MessageState.FAILED, MessageState.CANCELLED, MessageState.ACKNOWLEDGED}
        return await self.until("finished", lambda found: all(one.state in finished for one in found))

    async def close(self) -> None:
        await self.dispatch.finish(0.0 if self.kill.dead else PATIENCE_S)


async def all_messages(store: MessageStore, event_id: str = "event-1") -> list[PlannedMessage]:
    return await store.of_event(event_id)


async def plan(engine: AsyncEngine, *planned: PlannedMessage) -> None:
    async with engine.connect() as connection:
        await connection.execution_options(writes=True)
        await connection.execute(insert(messages), [message_values(one) for one in planned])
        await connection.commit()


async def an_event(engine: AsyncEngine, *, picture: bool = True, **changed: Any) -> SafetyEvent:
    """A recorded event, its picture stored or expected."""
    event, store = safety_event(1, **changed), EventStore(engine)
    await store.record("gate-1", 1, [event], ["event-1"])
    if picture:
        await store.snapshot_stored("event-1", "gate-1/one.jpg")
    return event


def a_message(channel_id: str, clock: Clock, **changed: Any) -> PlannedMessage:
    """Due now, of `an_event`."""
    now = clock.now()
    event = safety_event(1)
    values: dict[str, Any] = {
        "message_id": f"m-{channel_id}", "event_id": event.event_id, "kind": MessageKind.OPENED, "occurrence": 1,
        "rule": "night", "step": 0, "channel_id": channel_id, "state": MessageState.WAITING,
        "severity": event.severity, "correlation_id": event.correlation_id, "due_at": now, "created_at": now,
        "captured_at": now, "next_try_at": now,
    }  # fmt: skip
    return PlannedMessage(**(values | changed))


CLAIM_RUNS_OUT_S = CLAIM_S + 1
