"""The Notifier's loops, and its deployment around them."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from cluster.notifications.lane import Lane
from cluster.notifications.message import MessageState
from cluster.notifications.service import NotificationService
from cluster.safety.errors import ChannelUnavailable, ConfigError, DatabaseUnavailable
from cluster.settings.notifications import WebhookSettings
from cluster.telemetry import metrics
from deployments.cameras.notifier import Notifier
from deployments.cameras.nudging import Nudge
from deployments.cameras.pulse import Pulse

pytestmark = pytest.mark.anyio
PATIENCE_S = 30


class FakeDispatch:
    """Fails as told, and counts its rounds."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self.rounds = 0
        self.came = asyncio.Event()
        self.finished_within_s = -1.0

    async def round(self) -> None:
        self.rounds += 1
        self.came.set()
        if self.errors:
            raise self.errors.pop()

    async def hold(self) -> None:
        return

    async def finish(self, within_s: float) -> None:
        self.finished_within_s = within_s


class FakeFigures:
    def __init__(self) -> None:
        self.quiet_kept = asyncio.Event()

    async def keep_quiet_until_its_end(self, now: datetime) -> int:
        self.quiet_kept.set()
        return 0

    async def counts(self, now: datetime) -> Any:
        return SimpleNamespace(
            by_state={MessageState.FAILED: 2, MessageState.WAITING: 3, MessageState.SENT: 1}, late_s=7.5
        )


async def test_what_was_recorded_while_a_quiet_was_ended_does_not_stay_quiet() -> None:
    figures = FakeFigures()
    service = NotificationService(FakeDispatch(), (), figures, lambda: datetime.now(UTC))  # type: ignore[arg-type]

    running = asyncio.create_task(service.run())
    await asyncio.wait_for(figures.quiet_kept.wait(), PATIENCE_S)

    await service.stop(5.0)
    await asyncio.wait_for(running, PATIENCE_S)


def _service(dispatch: FakeDispatch, beat: Callable[[str], None] = lambda _: None, *lanes: Lane) -> NotificationService:
    return NotificationService(dispatch, lanes, FakeFigures(), lambda: datetime.now(UTC), beat)  # type: ignore[arg-type]


async def _come(dispatch: FakeDispatch) -> None:
    dispatch.came.clear()
    await asyncio.wait_for(dispatch.came.wait(), PATIENCE_S)


@pytest.mark.parametrize("error", [DatabaseUnavailable("away"), RuntimeError("a bug")])
async def test_a_bad_turn_ends_no_loop(error: Exception) -> None:
    dispatch = FakeDispatch()
    dispatch.errors = [error]
    service = _service(dispatch)

    with capture_logs() as said:
        running = asyncio.create_task(service.run())
        await _come(dispatch)
        service.nudge()
        await _come(dispatch)
        await service.stop(5.0)
        await asyncio.wait_for(running, PATIENCE_S)

    assert "notifier_turn_failed" in [line["event"] for line in said]
    assert dispatch.finished_within_s == 3.0


async def test_every_loop_beats_and_the_figures_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: dict[str, float] = {}
    for name in ("notification_dead_letters", "notifications_waiting", "notification_oldest_due"):
        monkeypatch.setattr(getattr(metrics, name), "set", lambda value, name=name: shown.update({name: value}))
    beaten: set[str] = set()
    dispatch = FakeDispatch()
    service = _service(dispatch, beaten.add)

    running = asyncio.create_task(service.run())
    await _come(dispatch)
    await service.stop(0.0)
    await asyncio.wait_for(running, PATIENCE_S)

    assert beaten == {"rounds", "holding", "figures"}
    assert shown == {"notification_dead_letters": 2, "notifications_waiting": 4, "notification_oldest_due": 7.5}


async def test_a_channel_that_cannot_be_prepared_ends_nothing() -> None:
    def broken(_: Any) -> Any:
        raise RuntimeError("no such library")

    dispatch = FakeDispatch()
    service = _service(dispatch, lambda _: None, Lane(_hook(), broken, lambda: 0.0))

    with capture_logs() as said:
        running = asyncio.create_task(service.run())
        await _come(dispatch)
        await service.stop(0.0)
        await asyncio.wait_for(running, PATIENCE_S)

    assert "notification_channel_unprepared" in [line["event"] for line in said]


async def test_a_channel_whose_secret_comes_later_is_opened_then() -> None:
    class Taking:
        async def send(self, message: Any) -> str:
            return "name"

    opened: list[Any] = [Taking(), ConfigError("site.yaml", "url", "${file:/x}", "No such file")]

    def opening(_: Any) -> Any:
        found = opened.pop()
        if isinstance(found, Exception):
            raise found
        return found

    lane, message = Lane(_hook(), opening, lambda: 0.0), SimpleNamespace()

    with pytest.raises(ChannelUnavailable, match=r"channel hook: site\.yaml"):
        await lane.send(message)  # type: ignore[arg-type]
    assert await lane.send(message) == "name"  # type: ignore[arg-type]


async def test_a_notifier_fails_its_check_only_where_another_process_helps() -> None:
    now_s = 0.0
    notifier = object.__new__(Notifier)
    notifier._pulse = Pulse(lambda: now_s, "notifier")
    notifier._pulse.beat("rounds")
    living, ended = asyncio.create_task(asyncio.sleep(60)), asyncio.create_task(asyncio.sleep(0))
    notifier._loops = [living]
    notifier._service = SimpleNamespace(stop=_nothing)  # type: ignore[assignment]

    await notifier.check_health()
    await asyncio.wait({ended})
    notifier._loops = [living, ended]
    with pytest.raises(RuntimeError, match="ended"):
        await notifier.check_health()
    notifier._loops, now_s = [living], 121.0
    with pytest.raises(RuntimeError, match="loop of the notifier hangs: rounds"):
        await notifier.check_health()
    notifier._serving = True
    await notifier.__del__()
    await asyncio.wait({living}, timeout=PATIENCE_S)
    assert (living.cancelled(), notifier.__del__()) == (True, None)


async def test_only_one_nudge_is_on_its_way() -> None:
    asked, go_on = 0, asyncio.Event()

    async def ask() -> None:
        nonlocal asked
        asked += 1
        await go_on.wait()

    nudge = Nudge(ask)
    nudge()
    await asyncio.sleep(0)
    nudge()
    await asyncio.sleep(0)

    assert asked == 1
    go_on.set()


async def _nothing(*_: Any) -> None:
    return


def _hook() -> WebhookSettings:
    return WebhookSettings(channel_id="hook", kind="webhook", url="${HOOK}")
