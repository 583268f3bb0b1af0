"""What becomes of a message that is not true any more, that cannot be written, or whose channel nobody knows."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from counterparts.events import safety_event
from structlog.testing import capture_logs

from cluster.notifications.delivery import Delivery
from cluster.notifications.dispatch import Dispatch
from cluster.notifications.lane import Lane
from cluster.notifications.message import MessageKind, MessageState
from cluster.notifications.pacing import Patience
from cluster.safety.events import EpisodeState
from cluster.safety.messages import PlannedMessage
from cluster.settings.notifications import WebhookSettings

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PATIENCE_S = 30
OPEN, ESCALATED, CLOSED = EpisodeState.OPEN, EpisodeState.ESCALATED, EpisodeState.CLOSED


class World:
    """The store, the events, the pictures, the words and the channel of one delivery. `states`: of the event, look by
    look, the last one holds."""

    def __init__(self, *states: EpisodeState) -> None:
        self.states = list(states or (OPEN,))
        self.kept: list[tuple[str, Any]] = []
        self.told = 0
        self.broken = False
        self.found: list[PlannedMessage] = []
        world: Any = self
        self.delivery = Delivery(world, world, world, world, Patience(60, lambda: 1.0), 0.0)
        self.lane = Lane(WebhookSettings(channel_id="hook", kind="webhook", url="${HOOK}"), lambda _: world, lambda: 0)

    def now(self) -> datetime:
        return NOW

    async def get(self, event_id: str) -> Any:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return SimpleNamespace(event=safety_event(1, state=state))

    async def of(self, kept: Any, wait_s: float) -> None:
        return None

    def hurry(self) -> None:
        return

    def outgoing(self, *_: Any) -> Any:
        if self.broken:
            raise KeyError("a bug")
        return SimpleNamespace()

    async def send(self, message: Any) -> str:
        self.told += 1
        return "name"

    async def thread_of(self, event_id: str, channel_id: str) -> str:
        return "C0:1"

    async def sent(self, message_id: str) -> bool:
        return True

    async def cancelled(self, message_id: str) -> bool:
        self.kept.append(("cancelled", message_id))
        return True

    async def retry(self, message_id: str, at: datetime, *said: Any) -> bool:
        self.kept.append(("retry", at))
        return True

    async def failed(self, message_id: str, error: str, attempt: int) -> bool:
        self.kept.append(("failed", error))
        return True

    async def next_due(self) -> datetime:
        return NOW

    async def due(self, *_: Any, besides: Any = (), **__: Any) -> list[PlannedMessage]:
        return [one for one in self.found if besides and one.channel_id not in besides]


def _planned(**changed: Any) -> PlannedMessage:
    event = safety_event(1)
    values: dict[str, Any] = {
        "message_id": "m-1", "event_id": event.event_id, "kind": MessageKind.OPENED, "occurrence": 1, "rule": "night",
        "step": 0, "channel_id": "hook", "state": MessageState.SENDING, "severity": event.severity,
        "correlation_id": event.correlation_id, "due_at": NOW, "created_at": NOW, "captured_at": NOW, "attempts": 1,
    }  # fmt: skip
    return PlannedMessage(**(values | changed))


@pytest.mark.parametrize(
    ("kind", "states", "told"),
    [
        (MessageKind.CLOSED, [CLOSED], 1),
        (MessageKind.CLOSED, [OPEN], 0),
        (MessageKind.CLOSED, [ESCALATED], 0),
        (MessageKind.CLOSED, [CLOSED, OPEN], 0),  # between writing and sending
        (MessageKind.OPENED, [OPEN], 1),
        (MessageKind.OPENED, [CLOSED], 1),
    ],
)
async def test_an_all_clear_is_sent_only_while_it_is_true(
    kind: MessageKind, states: list[EpisodeState], told: int
) -> None:
    world = World(*states)
    await world.delivery.hand_over(_planned(kind=kind), world.lane)

    assert (world.told, world.kept) == (told, [] if told else [("cancelled", "m-1")])


@pytest.mark.parametrize(
    ("attempts", "due_at", "becomes"),
    [(1, NOW, "retry"), (9, NOW, "retry"), (9, NOW - timedelta(seconds=61), "failed")],
)
async def test_a_message_that_cannot_be_written_is_tried_again_and_then_a_dead_letter(
    attempts: int, due_at: datetime, becomes: str
) -> None:
    world = World()
    world.broken = True

    with capture_logs() as said:
        assert await world.delivery.hand_over(_planned(attempts=attempts, due_at=due_at), world.lane) is None

    assert [what for what, _ in world.kept] == [becomes]
    assert "notification_broken" in [line["event"] for line in said]
    assert ("notification_dead_letter" in [line["event"] for line in said]) == (becomes == "failed")


@pytest.mark.parametrize(("late_s", "becomes"), [(0, "retry"), (299, "retry"), (300, "failed")])
async def test_a_message_to_an_unknown_channel_waits_for_who_knows_it(late_s: float, becomes: str) -> None:
    world: Any = World()
    due_at = NOW - timedelta(seconds=late_s)
    world.found = [_planned(channel_id="new", due_at=due_at, message_id=f"m-{number}") for number in range(2)]
    dispatch = Dispatch(world, [world.lane], world.delivery, "one", world.now)

    with capture_logs() as said:
        for _ in range(2):
            await dispatch.round()
            await dispatch.finish(PATIENCE_S)

    assert [what for what, _ in world.kept] == [becomes] * 4
    assert all(NOW < at < NOW + timedelta(seconds=10) for what, at in world.kept if what == "retry")
    unknown = [line for line in said if line["event"] == "notification_channel_unknown"]
    assert [(line["channel_id"], line["log_level"], bool(line["mend"])) for line in unknown] == [
        ("new", "critical", True)
    ]
