"""One outbox whose camera lives elsewhere, emptied in the place of its former owner. Knows no Ray."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import structlog

from cluster.camera.courier import Courier, RecorderPort
from cluster.camera.episode_file import readable_episodes
from cluster.camera.outbox import Outbox
from cluster.camera.outbox_files import WANTED, OutboxFiles
from cluster.camera.yielding import YieldingRecorder
from cluster.safety.episodes import EpisodeBook, Moment, SavedEpisode
from cluster.safety.errors import DatabaseUnavailable, LeaseLost
from cluster.safety.events import EpisodeState, SafetyEvent
from cluster.safety.frames import correlation_id
from cluster.settings.site import OutboxSettings
from cluster.telemetry import metrics

_log = structlog.get_logger()
_CHANGES_OF_OWNER = 3
_ASKED_S = 60.0
"""A folder that a camera actor asked for is left to it for so long, and not for ever: the actor may never come."""


class CurrentLease:
    """The Recorder, under whatever epoch the camera has: it follows the lease, and never raises it.

    It begins at an epoch that once was the camera's; each refusal names the present one.
    """

    def __init__(self, recorder: RecorderPort, epoch: int) -> None:
        self._recorder = recorder
        self.epoch = epoch
        self.failure = ""

    def record(
        self, camera_id: str, sender_epoch: int, events: list[SafetyEvent], with_pictures: frozenset[str]
    ) -> None:
        """As `RecorderPort`, but that a lost lease is taken over; `sender_epoch` is of no use here."""
        with self._noting():
            for _ in range(_CHANGES_OF_OWNER):
                try:
                    return self._recorder.record(camera_id, self.epoch, events, with_pictures)
                except LeaseLost as error:
                    self.epoch = error.current_epoch
            raise DatabaseUnavailable(f"camera {camera_id}: its owner changes again and again")

    def store_picture(self, camera_id: str, event_id: str, kind: str, correlation_id: str, jpeg: bytes) -> None:
        with self._noting():
            self._recorder.store_picture(camera_id, event_id, kind, correlation_id, jpeg)

    def picture_lost(self, camera_id: str, event_id: str) -> None:
        with self._noting():
            self._recorder.picture_lost(camera_id, event_id)

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """The last failure in one line; "" after a success."""
        try:
            yield
        except Exception as error:
            self.failure = " ".join(str(error).split()) or type(error).__name__
            raise
        self.failure = ""


class Forwarding:
    """Owns the folder from construction to `close`; belongs to one thread.

    Raises:
        OutboxBusy: a living process owns it.
        OSError: it cannot be read.
    """

    def __init__(
        self,
        folder: Path,
        settings: OutboxSettings,
        recorder: RecorderPort,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.camera_id = folder.name
        self._files = OutboxFiles(folder, asks=False)
        # The reserve is for a camera that tells something new.
        self.outbox = Outbox(folder, settings.model_copy(update={"reserve_bytes": 0}), folder.name, files=self._files)
        try:
            yielding = YieldingRecorder(recorder, lambda: self.is_wanted)
            self._lease = CurrentLease(yielding, _former_epoch(self.outbox))
        except BaseException:
            # This process lives on: the camera must not find its folder owned for ever.
            self.outbox.close()
            raise
        self._courier = Courier(
            self.outbox,
            self._lease,
            camera_id=folder.name,
            epoch=self._lease.epoch,
            retry_max_s=settings.retry_max_s,
            on_lease_lost=_never,
            stop_event=threading.Event(),
            clock=clock,
            jitter=jitter,
        )

    @property
    def is_empty(self) -> bool:
        return self.outbox.depth() == 0 and self.outbox.pictures_waiting() == 0

    @property
    def failure(self) -> str:
        """Why the last call to the Recorder failed, "" if it did not."""
        return self._lease.failure

    @property
    def is_wanted(self) -> bool:
        """Whether a camera actor waits for the folder."""
        return is_asked_for(self._files.folder)

    def send(self) -> float:
        """One attempt each at events and pictures; the seconds for which there is nothing to do.

        No picture while a camera waits for the folder, and no call goes on then: it would keep the camera blind.
        """
        pause_s = self._courier.send_events()
        return pause_s if self.is_wanted else min(pause_s, self._courier.send_pictures())

    def left_open(self) -> list[SavedEpisode]:
        """Episodes that the former owner had not ended."""
        return [one for one in readable_episodes(self.outbox.open_episodes()) if one.state is not EpisodeState.CLOSED]

    def end_episodes(self, taken_up: frozenset[str], owner_epoch: int | None, reason: str) -> None:
        """Ends what the former owner left open and nobody has `taken_up`, in the name of that owner.

        Its words are told under an epoch below `owner_epoch` (None: there is no owner, the camera's last one counts),
        so that whatever the present owner says of the same event holds, sooner or later, also if it has only just
        taken it up: nothing is lost and nothing told twice, whoever is first.

        Raises:
            SafeYoloError: the Recorder is away; nothing is changed.
        """
        episodes = [one for one in self.left_open() if one.event_id not in taken_up]
        if owner_epoch is None:
            self._lease.record(self.camera_id, self._lease.epoch, [], frozenset())  # learns the camera's last epoch
        epoch = self._lease.epoch if owner_epoch is None else owner_epoch - 1
        ends = [event for one in episodes for event in _end(self.camera_id, epoch, one, reason)]
        self.outbox.accept(ends, None, [])
        _log.info("left_episodes_ended", camera_id=self.camera_id, event_ids=[one.event_id for one in episodes])

    def remove(self) -> bool:
        """Removes the folder; False: something lies there that a person should look at."""
        try:
            self._files.remove_folder()
        except OSError as error:
            _log.warning("outbox_not_removed", camera_id=self.camera_id, reason=str(error))
            return False
        return True

    def close(self) -> None:
        # A camera that takes its folder over speaks of it itself; what stays here is said until the next pass.
        wanted, tags = self.is_wanted, {"camera_id": self.camera_id}
        metrics.outbox_events.set(0 if wanted else self.outbox.depth(), tags)
        metrics.outbox_oldest.set(0.0 if wanted else self.outbox.oldest_s(), tags)
        self.outbox.close()


def is_asked_for(folder: Path) -> bool:
    """Whether a camera actor has lately found the folder owned; both times are of this machine's clock."""
    try:
        return abs(time.time() - (folder / WANTED).stat().st_mtime) < _ASKED_S
    except OSError:
        return False


def _end(camera_id: str, epoch: int, saved: SavedEpisode, reason: str) -> list[SafetyEvent]:
    book = EpisodeBook(camera_id, epoch)
    now = datetime.now(UTC)
    book.give_up(saved, Moment(now, time.monotonic(), correlation_id(camera_id, epoch, 0)), reason)
    return book.drain()


def _former_epoch(outbox: Outbox) -> int:
    """The newest epoch that the folder knows of: it was the camera's, so it is not above that of the present owner."""
    told = [event.epoch for item in outbox.pending(1000) for event in item.events]
    return max([1, *told, *(one.epoch for one in readable_episodes(outbox.open_episodes()))])


def _never() -> None:
    """A lease that follows the camera's is not lost."""
