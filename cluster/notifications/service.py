"""The Notifier's loops: what is due goes out, what is in hand stays so, figures are shown. Knows no Ray."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from cluster.notifications.dispatch import CLAIM_S, Dispatch
from cluster.notifications.lane import Lane
from cluster.notifications.message import MessageState
from cluster.notifications.waiting import pause
from cluster.safety.errors import StorageError
from cluster.safety.messages import UNFINISHED
from cluster.telemetry import metrics

_log = structlog.get_logger()
_ROUND_S, _HOLD_S, _FIGURES_S = 0.5, CLAIM_S / 4, 5.0
_ENDING_S = 2.0


class Counts(Protocol):
    """`cluster.storage.message_counts.MessageCounts`."""

    @property
    def by_state(self) -> Mapping[MessageState, int]: ...

    @property
    def late_s(self) -> float: ...


class Figures(Protocol):
    """What is counted, and the quiet that is kept with it (`cluster.storage.messages.MessageStore`)."""

    async def counts(self, now: datetime) -> Counts: ...

    async def keep_quiet_until_its_end(self, now: datetime) -> int: ...


class NotificationService:
    """`run` ends with `stop`. `beat(loop)` is called in every turn of every loop; `clock` gives UTC."""

    def __init__(
        self,
        dispatch: Dispatch,
        lanes: Sequence[Lane],
        figures: Figures,
        now: Callable[[], datetime],
        beat: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._dispatch, self._lanes, self._figures, self._now, self._beat = dispatch, lanes, figures, now, beat
        self._nudged, self._stopping = asyncio.Event(), asyncio.Event()

    def nudge(self) -> None:
        """Something was planned: look at once."""
        self._nudged.set()

    async def run(self) -> None:
        """Until `stop`; one bad turn of a loop ends none of them."""
        _log.info("notifier_started", channels=len(self._lanes))
        await asyncio.gather(
            *(lane.prepare() for lane in self._lanes),
            self._loop("rounds", self._round, _ROUND_S, self._nudged),
            self._loop("holding", self._dispatch.hold, _HOLD_S, self._stopping),
            self._loop("figures", self._show, _FIGURES_S, self._stopping),
        )

    async def stop(self, within_s: float) -> None:
        """What is in hand comes to its end, or is left to the next process; at most `within_s` seconds."""
        self._stopping.set()
        self._nudged.set()
        await self._dispatch.finish(max(0.0, within_s - _ENDING_S))

    async def _loop(self, name: str, turn: Callable[[], Awaitable[None]], every_s: float, woken: asyncio.Event) -> None:
        while not self._stopping.is_set():
            self._beat(name)
            try:
                await turn()
            except StorageError as error:
                _log.warning("notifier_turn_failed", loop=name, reason=str(error))
            # The border of the loop: one bad turn must not end the telling of everybody.
            except Exception as error:  # noqa: BLE001
                _log.exception("notifier_turn_failed", loop=name, reason=type(error).__name__)
            await pause(woken, every_s)

    async def _round(self) -> None:
        self._nudged.clear()
        await self._dispatch.round()

    async def _show(self) -> None:
        found = await self._figures.counts(self._now())
        metrics.notification_dead_letters.set(found.by_state.get(MessageState.FAILED, 0))
        metrics.notifications_waiting.set(sum(found.by_state.get(state, 0) for state in UNFINISHED))
        metrics.notification_oldest_due.set(found.late_s)
        # An event that was being recorded while a quiet was ended or moved was planned for the old end.
        await self._figures.keep_quiet_until_its_end(self._now())
