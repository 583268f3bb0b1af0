"""The tracker gives the ids that ByteTrack of the `trackers` library gives, of which it is a faster form."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cluster.camera.tracking import Tracker
from cluster.safety.detections import Detections

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SURE = 0.55


@dataclass
class FrameTimes:
    sequence: int
    captured_s: float
    camera_id: str = "gate-1"
    epoch: int = 1
    captured_at: datetime = NOON


class Library:
    """The library as the tracker was built on it before: an id for every box, from its first frame."""

    def __init__(self, frame_rate: float) -> None:
        from trackers import ByteTrackTracker
        from trackers.utils.iou import BIoU

        self._ids = itertools.count(1)
        self._tracker = ByteTrackTracker(
            lost_track_buffer=math.ceil(max(1.5, 4 / frame_rate) * 30.0),
            frame_rate=frame_rate,
            track_activation_threshold=math.inf,
            minimum_consecutive_frames=1,
            minimum_iou_threshold=0.1,
            high_conf_det_threshold=SURE,
            iou=BIoU(0.3),
        )

    def update(self, boxes: NDArray[np.float32], confidences: NDArray[np.float32], time_s: float) -> list[int]:
        import supervision as sv
        from trackers.core.bytetrack.tracklet import ByteTrackTracklet

        scaled = boxes.astype(np.float64) * 1000.0
        marked = sv.Detections(xyxy=scaled, confidence=confidences, class_id=np.arange(len(boxes)))
        found: Any = self._tracker.update(marked, timestamp=time_s)
        ids = np.full(len(boxes), -1)
        if len(found):
            ids[found.class_id] = found.tracker_id
        for index in np.flatnonzero(ids < 0):
            track = ByteTrackTracklet(initial_bbox=scaled[index])
            track.tracker_id = ids[index] = next(self._ids)
            self._tracker.tracks.append(track)
        return [int(number) for number in ids]


def crowd(seed: int, people: int, rate: float) -> Iterator[tuple[float, Detections]]:
    """People who walk, stand, cross, and are missed now and then, for 20 s; frames come not quite evenly."""
    random = np.random.default_rng(seed)
    places, speeds = random.uniform(0.1, 0.9, (people, 2)), random.normal(0, 0.08, (people, 2))
    for index in range(round(20 * rate)):
        places += speeds / rate
        speeds = np.where((places < 0.05) | (places > 0.95), -speeds, speeds)
        seen = random.random(people) > 0.15
        centres = places[seen] + random.normal(0, 0.004, (seen.sum(), 2))
        boxes = np.clip(np.hstack((centres - (0.03, 0.1), np.add(centres, (0.03, 0.1)))), 0, 1).astype(np.float32)
        confidences = random.uniform(0.4, 0.95, len(boxes)).astype(np.float32)
        yield (
            index / rate + random.normal(0, 0.003),
            Detections(boxes, confidences, ("person",) * len(boxes), "", 320, 0.0),
        )


@pytest.mark.parametrize("rate", [1.0, 5.0, 10.0, 25.0])
@pytest.mark.parametrize("people", [1, 6, 30])
def test_the_ids_are_those_of_the_library(people: int, rate: float) -> None:
    tracker, library = Tracker(rate, confidence=0.4), Library(rate)

    for index, (time_s, detections) in enumerate(crowd(people, people, rate)):
        tracks = tracker.update(FrameTimes(index, time_s), detections).tracks
        expected = library.update(detections.boxes, detections.confidences, time_s)

        assert [track.track_id for track in tracks] == expected, f"frame {index}"
