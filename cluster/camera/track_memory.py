"""The tracks of the last minutes, small enough to be kept in every camera's process."""

import struct
import threading
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cluster.safety.tracks import Observation, Track

KEEP_S = 600.0
MOST_BYTES = 3 * 1024 * 1024
"""Ten minutes at 5 looks a second are half of it with ten people in every picture."""

_HEAD = struct.Struct("<ddIH")  # monotonic seconds, wall seconds, sequence, place in the table of models
_TRACK = struct.Struct("<IHH4H")  # id, place in the table of labels, confidence and box in 65535ths
_SCALE = 65535
_BESIDES_BYTES = 33 + 8
"""What Python needs for one more `bytes` in a deque."""
_MOST_NAMES = 1000
_PAUSE_AFTER, _PAUSE_S = 20, 0.001


class TrackMemory:
    """What one camera saw under one lease, as looked-at frames: at most `KEEP_S` seconds and `MOST_BYTES` bytes, the
    oldest goes first. Any thread may call it.

    Boxes come back within 1/65535 of the picture of what they were.
    """

    def __init__(self, camera_id: str, epoch: int, *, keep_s: float = KEEP_S, most_bytes: int = MOST_BYTES) -> None:
        self._camera_id, self._epoch = camera_id, epoch
        self._keep_s, self._most_bytes = keep_s, most_bytes
        self._lock = threading.Lock()
        self._looks: deque[bytes] = deque()
        self._bytes = 0
        self._labels: dict[str, int] = {}
        self._models: dict[tuple[str, frozenset[str] | None], int] = {}

    def add(self, observation: Observation) -> None:
        with self._lock:
            if max(len(self._labels), len(self._models)) >= _MOST_NAMES:
                self._forget()
            packed = self._packed(observation)
            self._looks.append(packed)
            self._bytes += len(packed) + _BESIDES_BYTES
            self._drop_old(observation.captured_s)

    def observations(self, *, gently: bool = False) -> Iterator[Observation]:
        """Oldest first, as it is now; what is added meanwhile is not in it. `gently`: other threads of the process, who
        have better to do, are let go first every few frames."""
        with self._lock:
            looks, labels, models = list(self._looks), list(self._labels), list(self._models)
        for number, packed in enumerate(looks):
            if gently and number % _PAUSE_AFTER == 0:
                time.sleep(_PAUSE_S)
            yield self._unpacked(packed, labels, models)

    @property
    def used_bytes(self) -> int:
        return self._bytes

    def _packed(self, observation: Observation) -> bytes:
        model = (observation.model_digest, observation.knows)
        number = self._models.setdefault(model, len(self._models))
        head = _HEAD.pack(
            observation.captured_s, observation.captured_at.timestamp(), observation.sequence & 0xFFFFFFFF, number
        )
        return head + b"".join(self._packed_track(track) for track in observation.tracks)

    def _packed_track(self, track: Track) -> bytes:
        label = self._labels.setdefault(track.label, len(self._labels))
        values = (_whole(value) for value in (track.confidence, *track.box))
        return _TRACK.pack(track.track_id & 0xFFFFFFFF, label, *values)

    def _unpacked(
        self, packed: bytes, labels: list[str], models: list[tuple[str, frozenset[str] | None]]
    ) -> Observation:
        captured_s, wall_s, sequence, model = _HEAD.unpack_from(packed)
        tracks = tuple(
            Track(track_id, labels[label], confidence / _SCALE, (a / _SCALE, b / _SCALE, c / _SCALE, d / _SCALE))
            for track_id, label, confidence, a, b, c, d in _TRACK.iter_unpack(packed[_HEAD.size :])
        )
        # Not fromtimestamp: it rounds, and a moment must come back as it was.
        captured_at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=wall_s)
        digest, knows = models[model]
        return Observation(self._camera_id, self._epoch, sequence, captured_at, captured_s, tracks, digest, knows)

    def _drop_old(self, now_s: float) -> None:
        while self._looks and (self._bytes > self._most_bytes or self._is_old(now_s)):
            self._bytes -= len(self._looks.popleft()) + _BESIDES_BYTES

    def _is_old(self, now_s: float) -> bool:
        oldest_s: float = _HEAD.unpack_from(self._looks[0])[0]
        return now_s - oldest_s > self._keep_s

    def _forget(self) -> None:
        """A model with a name for everything: the tables must not grow for ever."""
        self._looks.clear()
        self._labels.clear()
        self._models.clear()
        self._bytes = 0


def _whole(share: float) -> int:
    return round(min(1.0, max(0.0, share)) * _SCALE)
