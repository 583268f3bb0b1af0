"""Carries what lies in the outbox to the Recorder, for as long as it takes."""

import random
import threading
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from cluster.camera.event_times import EventTimes
from cluster.camera.outbox import Outbox, OutboxItem
from cluster.camera.picture_courier import IDLE_S, PictureCourier, PicturePort
from cluster.camera.retry_pause import RetryPause
from cluster.safety.errors import DatabaseUnavailable, LeaseLost
from cluster.safety.events import SafetyEvent
from cluster.telemetry import metrics

_MOST_REVISIONS = 32
_ATTEMPTS_ALONE = 3
_PROGRESS_S = 0.05
_AWAY = (DatabaseUnavailable, TimeoutError, ConnectionError)


class RecorderPort(PicturePort, Protocol):
    """The Recorder. Each call returns or raises within a deadline of its own.

    Raises:
        LeaseLost: another owner holds the camera.
        DatabaseUnavailable, SnapshotsUnavailable, TimeoutError: not now.
    """

    def record(
        self, camera_id: str, sender_epoch: int, events: list[SafetyEvent], with_pictures: frozenset[str]
    ) -> None: ...


class Courier:
    """Events in one thread (`run`), their pictures in another, so that a slow picture store delays no alarm.

    Events go in order, up to 32 revisions a call. A failed call is made again, by itself smaller and smaller;
    nothing is dropped by failing. A record that fails alone three times steps behind the others, so that one which the
    Recorder cannot take holds up nobody. With a lost lease sending ends and the files stay for the next owner.
    `wake`, `flush` and `stop` may be called from any thread.
    """

    def __init__(
        self,
        outbox: Outbox,
        recorder: RecorderPort,
        *,
        camera_id: str,
        epoch: int,
        retry_max_s: float,
        on_lease_lost: Callable[[], None],
        stop_event: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
        times: EventTimes | None = None,
    ) -> None:
        self._times = times or EventTimes()
        self._outbox, self._recorder = outbox, recorder
        self._camera_id, self._epoch = camera_id, epoch
        self._on_lease_lost = on_lease_lost
        self._stopping = threading.Event() if stop_event is None else stop_event
        self._clock = clock
        self._log = structlog.get_logger().bind(camera_id=camera_id)
        self._retry = RetryPause(retry_max_s, clock, jitter)
        self._pictures = PictureCourier(
            outbox, recorder, camera_id, RetryPause(retry_max_s, clock, jitter), self._stopping
        )
        self._woken, self._progress = threading.Event(), threading.Event()
        self._lease_lost = False
        self._most = _MOST_REVISIONS
        self._attempts_alone = 0

    def run(self) -> None:
        """Sends until `stop` or a lost lease; ends within the deadline of a call."""
        pictures = threading.Thread(target=self._pictures.run, name=f"pictures:{self._camera_id}", daemon=True)
        pictures.start()
        while not self._stopping.is_set() and not self._lease_lost:
            pause_s = self.send_events()
            if pause_s > 0:
                # Woken by an accepted event; the short sleep at most also sees a stop event that somebody else set.
                self._woken.wait(min(pause_s, IDLE_S))
                self._woken.clear()
        self._pictures.wake()

    def wake(self) -> None:
        """Something was accepted: it leaves now."""
        self._retry.hurry()
        self._woken.set()

    def stop(self) -> None:
        """Ends `run`; what was not sent stays in the outbox, and a lease that is lost from now on is no loss."""
        self._stopping.set()
        self._woken.set()
        self._pictures.wake()

    def flush(self, timeout_s: float) -> bool:
        """Waits until all events are recorded, and pictures too unless their store fails; False: they were not."""
        deadline_s = self._clock() + timeout_s
        self.wake()
        self._pictures.wake()
        while not self._is_flushed() and not self._lease_lost and self._clock() < deadline_s:
            self._progress.wait(_PROGRESS_S)
            self._progress.clear()
        return self._is_flushed()

    def send_events(self) -> float:
        """One attempt, if one is due; the seconds for which there is nothing to do."""
        tags = {"camera_id": self._camera_id}
        metrics.outbox_events.set(self._outbox.depth(), tags)
        metrics.outbox_oldest.set(self._outbox.oldest_s(), tags)
        if (left_s := self._retry.left_s()) > 0:
            return left_s
        items: list[OutboxItem] = []
        try:
            items = self._outbox.pending(self._most)
            if not items:
                return IDLE_S
            self._record(items)
        except LeaseLost as error:
            self._lose_lease(error)
            return IDLE_S
        except _AWAY as error:
            return self._failed(items, error)
        # The border of the loop: an event that the Recorder cannot take, or a fault in it, must not end the sending.
        except Exception as error:  # noqa: BLE001
            self._attempts_alone = _ATTEMPTS_ALONE
            return self._failed(items, error)
        self._succeeded()
        return 0.0

    def send_pictures(self) -> float:
        """One picture, if one is due; the seconds for which there is nothing to do."""
        return self._pictures.send()

    def _record(self, items: list[OutboxItem]) -> None:
        events = [event for item in items for event in item.events]
        with_pictures = frozenset(event_id for item in items for event_id in item.with_pictures)
        self._recorder.record(self._camera_id, self._epoch, events, with_pictures)
        self._times.recorded(events)
        for item in items:
            self._outbox.done(item)
        if with_pictures:
            self._pictures.wake()
        self._progress.set()

    def _succeeded(self) -> None:
        if self._retry.failing:
            self._log.warning("recorder_back", events_left=self._outbox.depth())
        self._retry.succeeded()
        self._attempts_alone = 0
        self._most = min(2 * self._most, _MOST_REVISIONS)

    def _failed(self, items: list[OutboxItem], error: Exception) -> float:
        pause_s = self._retry.failed()
        reason = f"{type(error).__name__}: {error}"
        frames = list(dict.fromkeys(event.correlation_id for item in items for event in item.events))
        waiting = self._outbox.depth()
        self._log.error(
            "recorder_failed", reason=reason, correlation_ids=frames, events_waiting=waiting, retry_in_s=pause_s
        )
        self._most = max(1, self._most // 2) if isinstance(error, _AWAY) else 1
        if len(items) == 1:
            self._attempts_alone += 1
            if self._attempts_alone >= _ATTEMPTS_ALONE:
                self._step_behind(items[0], reason)
        return pause_s

    def _step_behind(self, item: OutboxItem, reason: str) -> None:
        self._attempts_alone = 0
        self._outbox.defer(item)
        self._log.error("event_deferred", event_ids=[event.event_id for event in item.events], reason=reason)

    def _lose_lease(self, error: LeaseLost) -> None:
        self._lease_lost = True
        self._pictures.stop()
        self._log.error("lease_lost", reason=str(error))
        # After `stop` the next owner may be this very process, under a newer lease: then nothing is lost.
        if not self._stopping.is_set():
            self._on_lease_lost()

    def _is_flushed(self) -> bool:
        return self._outbox.depth() == 0 and (self._outbox.pictures_waiting() == 0 or self._pictures.failing)
