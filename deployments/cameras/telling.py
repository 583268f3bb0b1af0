"""What the supervisor tells in the place of cameras that cannot; kept until the Recorder has it. Knows no Ray."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from cluster.safety.errors import LeaseLost, SafeYoloError
from cluster.safety.events import SafetyEvent, Severity
from deployments.deadlines import bounded

_log = structlog.get_logger()
_MOST_WAITING = 1000
_AGAIN_S = 2.0
_ATTEMPTS_ALONE = 3

Record = Callable[[str, int, Sequence[SafetyEvent]], Awaitable[None]]


@dataclass(slots=True, eq=False)
class _Message:
    camera_id: str
    epoch: int
    events: Sequence[SafetyEvent]
    attempts: int = 0


class RecorderAwayError(Exception):
    """The Recorder did not answer, or its database did not; the message is sent again."""


class Telling:
    """`tell` returns at once; `run` sends for ever, and belongs to one task. In order, but what the Recorder cannot
    take holds up the others for a few attempts only: of one event the higher revision holds, whichever comes first.

    `record(camera_id, sender_epoch, events)` raises RecorderAwayError if it may work later, LeaseLost if the
    sender's epoch is old, another SafeYoloError if these events can never be recorded.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._waiting: deque[_Message] = deque()
        self._news = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    async def tell(self, camera_id: str, epoch: int, events: Sequence[SafetyEvent]) -> None:
        if not events:
            return
        self._waiting.append(_Message(camera_id, epoch, events))
        if len(self._waiting) > _MOST_WAITING:
            self._drop_one()
        self._news.set()

    async def run(self, beat: Callable[[], None] = lambda: None) -> None:
        """`beat` is called before every attempt, and once in two seconds at least."""
        while True:
            self._news.clear()
            beat()
            while self._waiting and await self.send_first():
                beat()
            try:
                await bounded(self._news.wait(), _AGAIN_S)
            except TimeoutError:
                continue

    async def send_first(self) -> bool:
        """One attempt; False: wait before the next."""
        message = self._waiting[0]
        try:
            await self._record(message.camera_id, message.epoch, message.events)
        except LeaseLost as error:
            # It is the supervisor that grants leases; after a restart it learns of the newest in this way.
            message.epoch = error.current_epoch
            return True
        except RecorderAwayError as error:
            _log.warning("supervisor_event_waits", camera_id=message.camera_id, reason=str(error))
            self._put_back(message)
            return False
        except SafeYoloError as error:
            _log.critical("supervisor_event_refused", camera_id=message.camera_id, reason=str(error))
        with contextlib.suppress(ValueError):  # it was on its way when it had to make room
            self._waiting.remove(message)
        return True

    def _put_back(self, message: _Message) -> None:
        """Behind the others, if it is not the Recorder that is away but this message that it cannot take."""
        message.attempts += 1
        if message.attempts >= _ATTEMPTS_ALONE and self._waiting and self._waiting[0] is message:
            self._waiting.rotate(-1)

    def _drop_one(self) -> None:
        """The bound is reached: the oldest that is not CRITICAL goes, or else the oldest."""
        lost = next((one for one in self._waiting if not _is_critical(one)), self._waiting[0])
        self._waiting.remove(lost)
        _log.critical("supervisor_event_lost", camera_id=lost.camera_id, reason="too many events wait for the Recorder")


def _is_critical(message: _Message) -> bool:
    return any(event.severity is Severity.CRITICAL for event in message.events)
