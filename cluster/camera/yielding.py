"""Calls of a node's agent to the Recorder, given up when a camera waits for the folder. Knows no Ray."""

import threading
from collections.abc import Callable

from cluster.camera.courier import RecorderPort
from cluster.safety.errors import DatabaseUnavailable
from cluster.safety.events import SafetyEvent

_LOOK_S = 0.1


class YieldingRecorder:
    """The Recorder, as long as nobody waits for what is sent: a camera that comes home sees nothing meanwhile.

    Each call runs in a thread of its own, which is left behind when `is_wanted`; it ends within the deadline of the
    call, and touches nothing but what it was given. Whether it was heard is not known then, so the next owner says
    the same again: the Recorder takes an event and a picture twice without harm.
    """

    def __init__(self, recorder: RecorderPort, is_wanted: Callable[[], bool]) -> None:
        self._recorder, self._is_wanted = recorder, is_wanted

    def record(
        self, camera_id: str, sender_epoch: int, events: list[SafetyEvent], with_pictures: frozenset[str]
    ) -> None:
        self._unless_wanted(lambda: self._recorder.record(camera_id, sender_epoch, events, with_pictures))

    def store_picture(self, camera_id: str, event_id: str, kind: str, correlation_id: str, jpeg: bytes) -> None:
        self._unless_wanted(lambda: self._recorder.store_picture(camera_id, event_id, kind, correlation_id, jpeg))

    def picture_lost(self, camera_id: str, event_id: str) -> None:
        self._unless_wanted(lambda: self._recorder.picture_lost(camera_id, event_id))

    def _unless_wanted(self, call: Callable[[], None]) -> None:
        """As `call`, or DatabaseUnavailable at most a look after somebody began to wait."""
        attempt = _Attempt(call)
        threading.Thread(target=attempt.make, name="recorder-call", daemon=True).start()
        while not attempt.ended.wait(_LOOK_S):
            if self._is_wanted():
                raise DatabaseUnavailable("the camera came back and waits for its folder")
        if attempt.error is not None:
            raise attempt.error


class _Attempt:
    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self.ended = threading.Event()
        # Only a call that returned was heard.
        self.error: Exception | None = DatabaseUnavailable("the call was broken off")

    def make(self) -> None:
        try:
            self._call()
            self.error = None
        # Raised again by who waits for it; what is meant to end this thread (cancelled, exit) must not end that one.
        except BaseException as error:  # noqa: BLE001
            self.error = error if isinstance(error, Exception) else DatabaseUnavailable(f"{type(error).__name__}")
        finally:
            self.ended.set()
