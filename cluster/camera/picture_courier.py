"""Carries pictures of recorded events to the Recorder, apart from the events themselves."""

import threading
from typing import Protocol

import structlog

from cluster.camera.outbox import Outbox, PictureItem
from cluster.camera.retry_pause import RetryPause

IDLE_S = 0.5


class PicturePort(Protocol):
    """What the Recorder does with pictures; `kind` is `clean` or `drawn`, in this order."""

    def store_picture(self, camera_id: str, event_id: str, kind: str, correlation_id: str, jpeg: bytes) -> None: ...

    def picture_lost(self, camera_id: str, event_id: str) -> None: ...


class PictureCourier:
    """One picture pair after the other, for as long as it takes; `run` belongs to one thread."""

    def __init__(
        self, outbox: Outbox, recorder: PicturePort, camera_id: str, retry: RetryPause, stopping: threading.Event
    ) -> None:
        self._outbox, self._recorder, self._camera_id = outbox, recorder, camera_id
        self._retry, self._stopping = retry, stopping
        self._woken = threading.Event()
        self._ended = False
        self._log = structlog.get_logger().bind(camera_id=camera_id)

    @property
    def failing(self) -> bool:
        return self._retry.failing

    def run(self) -> None:
        while not self._stopping.is_set() and not self._ended:
            pause_s = self.send()
            if pause_s > 0:
                self._woken.wait(min(pause_s, IDLE_S))
                self._woken.clear()

    def wake(self) -> None:
        self._woken.set()

    def stop(self) -> None:
        self._ended = True
        self._woken.set()

    def send(self) -> float:
        """One picture pair, if one is due; the seconds for which there is nothing to do."""
        if (left_s := self._retry.left_s()) > 0:
            return left_s
        items: list[PictureItem] = []
        try:
            items = self._outbox.pending_pictures(1)
            if not items:
                return IDLE_S
            self._deliver(items[0])
        # The border of the loop: whatever the store or the Recorder says, the picture waits on the disk.
        except Exception as error:  # noqa: BLE001
            return self._failed(items, error)
        self._retry.succeeded()
        return 0.0

    def _deliver(self, item: PictureItem) -> None:
        if item.jpegs is None:
            self._recorder.picture_lost(self._camera_id, item.event_id)
        else:
            drawn, clean = item.jpegs
            # The drawn one last: with it the row says that both are there.
            for kind, jpeg in (("clean", clean), ("drawn", drawn)):
                self._recorder.store_picture(self._camera_id, item.event_id, kind, item.correlation_id, jpeg)
        self._outbox.picture_done(item)

    def _failed(self, items: list[PictureItem], error: Exception) -> float:
        """The next one's turn comes first: a picture that the store cannot take holds up nobody."""
        pause_s = self._retry.failed()
        reason = f"{type(error).__name__}: {error}"
        frames = [item.correlation_id for item in items]
        self._log.warning("picture_not_stored", correlation_ids=frames, reason=reason, retry_in_s=pause_s)
        for item in items:
            self._outbox.defer_picture(item)
        return pause_s
