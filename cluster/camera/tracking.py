"""Gives detections an identity from frame to frame: ByteTrack of the `trackers` library, which needs no torch."""

import itertools
import math
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import supervision as sv
from numpy.typing import NDArray
from trackers import ByteTrackTracker
from trackers.core.bytetrack.tracklet import ByteTrackTracklet
from trackers.utils.iou import BIoU

from cluster.safety.detections import Detections
from cluster.safety.objects import PERSON, is_a
from cluster.safety.tracks import Observation, Track

LOST_AFTER_S = 1.5
"""A track that was not seen for longer is gone; who comes back gets a new id."""

_FEWEST_FRAMES_LOST = 4  # at 1 or 2 frames a second, LOST_AFTER_S would be hardly one missed frame
_BUFFER_RATE = 30.0  # the library counts its buffer in frames of this rate
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
            ids[members] = group.update(detections.boxes[members], detections.confidences[members], time_s)
        return ids


class _Group:
    """Objects that may be taken for one another from frame to frame."""

    def __init__(self, frame_rate: float, sure: float, ids: Iterator[int]) -> None:
        lost_after_s = max(LOST_AFTER_S, _FEWEST_FRAMES_LOST / frame_rate)
        self._ids = ids
        self._tracker = ByteTrackTracker(
            lost_track_buffer=math.ceil(lost_after_s * _BUFFER_RATE),
            frame_rate=frame_rate,
            track_activation_threshold=math.inf,  # tracks are started here, in the frame that shows them first
            minimum_consecutive_frames=1,
            minimum_iou_threshold=_LEAST_OVERLAP,
            high_conf_det_threshold=sure,
            iou=BIoU(_BOX_MARGIN),
        )

    def update(self, boxes: NDArray[np.float32], confidences: NDArray[np.float32], time_s: float) -> NDArray[np.int64]:
        """The id of each box, in order; what matches no track starts one."""
        scaled = boxes.astype(np.float64) * _SCALE
        marked = sv.Detections(xyxy=scaled, confidence=confidences, class_id=np.arange(len(boxes)))
        found: Any = self._tracker.update(marked, timestamp=time_s)  # in another order: class_id says which is which
        ids = np.full(len(boxes), -1, np.int64)
        if len(found):
            ids[found.class_id] = found.tracker_id
        for index in np.flatnonzero(ids < 0):
            ids[index] = self._start(scaled[index])
        return ids

    def _start(self, box: NDArray[np.float64]) -> int:
        tracklet = ByteTrackTracklet(initial_bbox=box)
        tracklet.tracker_id = next(self._ids)
        self._tracker.tracks.append(tracklet)
        return tracklet.tracker_id


def _group_of(label: str) -> str:
    return PERSON if is_a(label, PERSON) else label


def _tracks(detections: Detections, ids: Iterable[np.int64]) -> Iterator[Track]:
    parts = zip(ids, detections.labels, detections.confidences, detections.boxes, strict=True)
    for track_id, label, confidence, (x1, y1, x2, y2) in parts:
        box = float(x1), float(y1), float(x2), float(y2)
        yield Track(int(track_id), label, float(confidence), box)
