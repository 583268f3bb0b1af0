"""Empties the outboxes of cameras that do not live on this node any more. Knows no Ray."""

import random
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from cluster.camera.courier import RecorderPort
from cluster.camera.forwarding import Forwarding, is_asked_for
from cluster.camera.places import CameraPlace, Places, Waiting
from cluster.safety.errors import OutboxBusy, SafeYoloError
from cluster.safety.status import MOVED, SWITCHED_OFF
from cluster.settings.cameras import CAMERA_ID
from cluster.settings.site import OutboxSettings

_log = structlog.get_logger()
_PASS_S = 5.0
_SLICE_S = 20.0
"""Longest work on one folder before the next one's turn."""
_LOOK_S = 0.5
"""Between two looks whether somebody waits for the folder, however long the pause before the next attempt is."""


class OutboxDrain:
    """One thread (`run`), one folder at a time; `learn`, `waiting` and `stop` may be called from any.

    A folder is left alone while a living process owns it, while its camera is at home here, and while it is not known
    what should run. A camera that is nowhere yet may well come back: its events leave, what it has open stays. Only
    when its owner on another node has spoken, or nobody wants it any more, is what nobody took up ended, and the
    folder removed.
    """

    def __init__(
        self,
        root: Path,
        node_id: str,
        settings: OutboxSettings,
        recorder: RecorderPort,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._root, self._node_id, self._settings, self._recorder = root, node_id, settings, recorder
        self._clock, self._jitter = clock, jitter
        self._places = Places()
        self._waiting: dict[str, Waiting] = {}
        self._kept: dict[str, frozenset[str]] = {}
        self._stopping, self._news = threading.Event(), threading.Event()

    def learn(self, places: Places) -> None:
        """Where the cameras are now."""
        if places != self._places:
            self._places = places
            self._news.set()

    def waiting(self) -> tuple[Waiting, ...]:
        """What lies here of cameras that are elsewhere."""
        return tuple(self._waiting.values())

    def stop(self) -> None:
        self._stopping.set()
        self._news.set()

    def run(self) -> None:
        """Until `stop`, within the deadline of a call to the Recorder."""
        while not self._stopping.is_set():
            self._news.clear()
            try:
                self.drain_all()
            # The border of the loop: a root that cannot be read today can be tomorrow.
            except Exception as error:  # noqa: BLE001
                _log.exception("outboxes_not_drained", reason=str(error))
            self._news.wait(_PASS_S)

    def drain_all(self) -> None:
        """One pass over the folders."""
        folders = self._folders()
        here = {folder.name for folder in folders}
        for camera_id in [one for one in self._kept if one not in here or not self._is_ours(one)]:
            del self._kept[camera_id]
        for folder in folders:
            if not self._stopping.is_set() and self._is_ours(folder.name):
                self._drain_or_say(folder)
        for camera_id in [one for one in self._waiting if one not in here or not self._is_ours(one)]:
            del self._waiting[camera_id]

    def _folders(self) -> list[Path]:
        """Those of cameras; what else lies there (`lost+found`) is not touched."""
        found = self._root.iterdir() if self._root.is_dir() else ()
        return sorted(path for path in found if re.fullmatch(CAMERA_ID, path.name) and path.is_dir())

    def _is_ours(self, camera_id: str) -> bool:
        """Whether nobody on this node is responsible for the folder any more."""
        place = self._places.cameras.get(camera_id)
        return self._places.complete if place is None else place.node_id != self._node_id

    def _drain_or_say(self, folder: Path) -> None:
        try:
            self._drain(folder)
        # The border of one folder's work: its trouble must not keep back the alarms in those that come after it.
        except Exception as error:  # noqa: BLE001
            _log.exception("outbox_not_drained", camera_id=folder.name)
            self._waits(folder.name, 0, 0, f"cannot be drained: {type(error).__name__}")

    def _drain(self, folder: Path) -> None:
        if is_asked_for(folder) or self._is_kept(folder):
            return
        try:
            forwarding = Forwarding(folder, self._settings, self._recorder, clock=self._clock, jitter=self._jitter)
        except OutboxBusy:
            self._waiting.pop(folder.name, None)  # whoever owns it sends what is in it
            return
        except OSError as error:
            self._waits(folder.name, 0, 0, f"cannot be read: {error.strerror or error}")
            return
        try:
            self._work_on(forwarding)
        except SafeYoloError as error:
            self._say(forwarding, str(error))
        finally:
            forwarding.close()

    def _is_kept(self, folder: Path) -> bool:
        """Whether nothing has changed in it since all was done but what only a person can do, which was said."""
        return self._kept.get(folder.name) == _names(folder)

    def _work_on(self, forwarding: Forwarding) -> None:
        if not self._empty(forwarding) or not self._may_finish(forwarding.camera_id):
            self._say(forwarding, "")
            return
        if forwarding.left_open():
            self._end_episodes(forwarding)
            if not self._empty(forwarding):
                self._say(forwarding, "")
                return
        if forwarding.remove():
            _log.info("outbox_forwarded", camera_id=forwarding.camera_id)
            self._kept.pop(forwarding.camera_id, None)
        else:
            self._kept[forwarding.camera_id] = _names(self._root / forwarding.camera_id)
        self._waiting.pop(forwarding.camera_id, None)

    def _empty(self, forwarding: Forwarding) -> bool:
        """Sends until it is empty, within this folder's share of time; False: something is left."""
        until_s = self._clock() + _SLICE_S
        while not forwarding.is_empty:
            if self._stopping.is_set() or not self._is_ours(forwarding.camera_id) or forwarding.is_wanted:
                return False
            pause_s = forwarding.send()
            if self._clock() + pause_s > until_s:
                return False
            if pause_s > 0 and not forwarding.is_empty:
                self._say(forwarding, "")
                self._stopping.wait(min(pause_s, _LOOK_S))
        return True

    def _may_finish(self, camera_id: str) -> bool:
        place = self._places.cameras.get(camera_id)
        return self._is_ours(camera_id) and (place is None or (bool(place.node_id) and place.epoch > 0))

    def _end_episodes(self, forwarding: Forwarding) -> None:
        place: CameraPlace | None = self._places.cameras.get(forwarding.camera_id)
        if place is None:
            forwarding.end_episodes(frozenset(), None, SWITCHED_OFF)
        else:
            forwarding.end_episodes(place.open_events, place.epoch, MOVED)

    def _say(self, forwarding: Forwarding, reason: str) -> None:
        outbox = forwarding.outbox
        if forwarding.is_empty:
            self._waiting.pop(forwarding.camera_id, None)
            return
        self._waits(forwarding.camera_id, outbox.depth(), outbox.pictures_waiting(), reason or forwarding.failure)

    def _waits(self, camera_id: str, events: int, pictures: int, reason: str) -> None:
        self._waiting[camera_id] = Waiting(camera_id, events, pictures, reason)


def _names(folder: Path) -> frozenset[str]:
    return frozenset(path.name for path in folder.iterdir())
