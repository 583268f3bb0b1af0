"""Gives detections an identity from frame to frame, as ByteTrack does.

The `trackers` library does the same, but brings scipy, requests, rich and more along, some 45 MB in every camera's
process, and looks at tracks one by one. Tests hold both to the same ids.
"""

import itertools
import math
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cluster.camera.box_matching import best_pairs, overlaps
from cluster.camera.box_motion import BoxMotion, Floats
from cluster.safety.detections import Detections
from cluster.safety.objects import PERSON, is_a
from cluster.safety.tracks import Observation, Track

LOST_AFTER_S = 1.5
"""A track that was not seen for longer is gone; who comes back gets a new id."""

_FEWEST_FRAMES_LOST = 4  # at 1 or 2 frames a second, LOST_AFTER_S would be hardly one missed frame
_SCALE = 1000.0  # the Kalman filter's noise is meant for pixels; overlaps do not change with the scale
# Boxes are widened by this share before they are compared, because a walking person leaves the own box
# within a frame or two of a slow detector, and one who falls changes its shape at once.
_BOX_MARGIN = 0.3
_LEAST_OVERLAP = 0.1


class TrackedFrame(Protocol):
    """What the tracker needs of a `Frame`: where it comes from, not what it shows."""

    @property
    def camera_id(self) -> str: ...
    @property
    def epoch(self) -> int: ...
    @property
    def sequence(self) -> int: ...
    @property
    def captured_at(self) -> datetime: ...
    @property
    def captured_s(self) -> float: ...


class Tracker:
    """Follows the objects of one camera. Belongs to one thread.

    Every detection appears in the observation, with an id, in the frame in which it was first seen: the
    rules debounce by themselves, and a tracker that waits would only delay them. Standing and fallen people
    are followed together, so that who falls keeps the id; every other class by itself, so that a helmet
    never takes the id of its wearer.
    """

    def __init__(self, frame_rate: float, *, confidence: float = 0.4) -> None:
        """`frame_rate`: frames a second that are looked at, roughly. `confidence`: the detector's threshold."""
        self._frame_rate = frame_rate
        # What is hardly above the detector's threshold is matched last, to tracks that nothing surer wanted.
        self._sure = confidence + (1 - confidence) / 4
        self._epoch: int | None = None
        self._last_s = -math.inf
        self._ids: Iterator[int] = itertools.count(1)
        self._groups: dict[str, _Group] = {}

    def update(self, frame: TrackedFrame, detections: Detections) -> Observation:
        """The tracks of `frame`, in the order of `detections`.

        A new epoch starts the ids from 1; a frame older than the one before (a looped file, a camera that was
        opened again) starts new tracks.
        """
        if frame.epoch != self._epoch:
            self._epoch, self._ids = frame.epoch, itertools.count(1)
            self.reset()
        if frame.captured_s <= self._last_s:
            self.reset()
        self._last_s = frame.captured_s
        return Observation(
            camera_id=frame.camera_id,
            epoch=frame.epoch,
            sequence=frame.sequence,
            captured_at=frame.captured_at,
            captured_s=frame.captured_s,
            tracks=tuple(_tracks(detections, self._identify(detections, frame.captured_s))),
            model_digest=detections.model_digest,
            knows=detections.knows,
        )

    def expect(self, frame_rate: float) -> None:
        """From the next frame on about so many come a second; tracks and ids stay. May be called from any thread."""
        self._frame_rate = frame_rate

    def reset(self) -> None:
        """Forget every track; ids go on, they are never used twice within an epoch."""
        self._groups.clear()
        self._last_s = -math.inf

    def _identify(self, detections: Detections, time_s: float) -> NDArray[np.int64]:
        ids = np.zeros(len(detections), np.int64)
        groups = np.array([_group_of(label) for label in detections.labels], dtype=object)
        for name in {*self._groups, *groups}:  # a group without detections also has to notice that time passes
            group = self._groups.setdefault(name, _Group(self._frame_rate, self._sure, self._ids))
            members = np.flatnonzero(groups == name)
            group.expect(self._frame_rate)
            ids[members] = group.update(detections.boxes[members], detections.confidences[members], time_s)
        return ids


class _Group:
    """Objects that may be taken for one another from frame to frame."""

    def __init__(self, frame_rate: float, sure: float, ids: Iterator[int]) -> None:
        self._sure, self._new_ids = sure, ids
        self._motion = BoxMotion(frame_rate)
        self._ids = np.empty(0, np.int64)
        self._seen_s = np.empty(0)
        self._now_s: float | None = None
        self.expect(frame_rate)

    def expect(self, frame_rate: float) -> None:
        """About so many frames a second from now on."""
        self._lost_after_s = max(LOST_AFTER_S, _FEWEST_FRAMES_LOST / frame_rate)
        self._motion.expect(frame_rate)

    def update(self, boxes: NDArray[np.float32], confidences: NDArray[np.float32], time_s: float) -> NDArray[np.int64]:
        """The id of each box, in order; what matches no track starts one."""
        self._move_on(time_s)
        scaled = boxes.astype(np.float64) * _SCALE
        ids, sure = np.full(len(boxes), -1, np.int64), confidences >= self._sure
        # ByteTrack's idea: what is hardly seen may continue a track that nothing surer did.
        free = self._match(np.arange(len(self._ids)), np.flatnonzero(sure), scaled, ids)
        self._match(free, np.flatnonzero(~sure), scaled, ids)
        self._start(np.flatnonzero(ids < 0), scaled, ids)
        return ids

    def _move_on(self, time_s: float) -> None:
        if self._now_s is not None:
            self._motion.predict(time_s - self._now_s)
        self._now_s = time_s
        kept = time_s - self._seen_s <= self._lost_after_s
        self._motion.keep(kept)
        self._ids, self._seen_s = self._ids[kept], self._seen_s[kept]

    def _match(
        self, tracks: NDArray[np.intp], found: NDArray[np.intp], boxes: Floats, ids: NDArray[np.int64]
    ) -> NDArray[np.intp]:
        """Continues `tracks` with boxes out of `found`, whose `ids` it fills in; returns the tracks left over."""
        if not len(tracks) or not len(found):
            return tracks
        weights = overlaps(self._motion.place[tracks], boxes[found], _BOX_MARGIN)
        rows, columns = best_pairs(weights, _LEAST_OVERLAP)
        seen, by = tracks[rows], found[columns]
        self._motion.see(seen, boxes[by])
        self._seen_s[seen] = self._now_s
        ids[by] = self._ids[seen]
        return np.delete(tracks, rows)

    def _start(self, new: NDArray[np.intp], boxes: Floats, ids: NDArray[np.int64]) -> None:
        ids[new] = [next(self._new_ids) for _ in new]
        self._motion.add(boxes[new])
        self._ids = np.concatenate((self._ids, ids[new]))
        self._seen_s = np.concatenate((self._seen_s, np.full(len(new), self._now_s)))


def _group_of(label: str) -> str:
    return PERSON if is_a(label, PERSON) else label


def _tracks(detections: Detections, ids: Iterable[np.int64]) -> Iterator[Track]:
    parts = zip(ids, detections.labels, detections.confidences, detections.boxes, strict=True)
    for track_id, label, confidence, (x1, y1, x2, y2) in parts:
        box = float(x1), float(y1), float(x2), float(y2)
        yield Track(int(track_id), label, float(confidence), box)
