"""`frame_processed` with the fields of the operations plan (1.2), and seldom enough to cost nothing."""

from datetime import UTC, datetime

import numpy as np
from counterparts.process_logs import ProcessLogs

from cluster.camera.frame_lines import FrameLines
from cluster.safety.detections import Detections
from cluster.safety.frames import Frame


class Site:
    """One camera's lines; `look` is a frame that went all the way, a second after the one before."""

    def __init__(self) -> None:
        self.now_s, self.violations, self.sequence = 100.0, 0, 0
        self.lines = FrameLines("gate-1", lambda: self.violations, lambda: self.now_s)

    def look(self, *, told: bool = False) -> None:
        self.lines.processed(self._frame(), found(2), told=told)

    def drop(self, reason: str) -> None:
        self.lines.dropped(self._frame(), reason)

    def _frame(self) -> Frame:
        self.now_s += 1.0
        self.sequence += 1
        return Frame("gate-1", 3, self.sequence, datetime.now(UTC), self.now_s, np.zeros((48, 64, 3), np.uint8))


def found(count: int) -> Detections:
    boxes = np.tile(np.array([[0.1, 0.2, 0.3, 0.4]], np.float32), (count, 1))
    return Detections(boxes, np.full(count, 0.9, np.float32), ("person",) * count, "d" * 64, 320, 0.0123456)


def test_the_line_has_the_plans_fields(process_logs: ProcessLogs) -> None:
    process_logs.begin("camera", camera_id="gate-1")
    site = Site()
    site.violations = 1
    site.look()

    (line,) = process_logs.lines()
    said = {key: line[key] for key in line if key not in ("timestamp", "level", "process", "pid", "host")}
    assert said == {
        "event": "frame_processed",
        "camera_id": "gate-1",
        "frame_number": 1,
        "detection_count": 2,
        "inference_time_ms": 12.35,
        "roi_violations": 1,
        "request_id": "gate-1-3-1",
        "correlation_id": "gate-1-3-1",
    }


def test_the_first_frame_comes_then_one_every_while(process_logs: ProcessLogs) -> None:
    process_logs.begin()
    site = Site()
    for _ in range(25):
        site.look()
    site.lines.every(2.0)
    for _ in range(4):
        site.look()

    assert [line["frame_number"] for line in process_logs.lines()] == [1, 11, 21, 26, 28]


def test_a_frame_comes_at_once_when_a_zone_is_violated_and_when_it_is_no_more(process_logs: ProcessLogs) -> None:
    process_logs.begin()
    site = Site()
    for site.violations in (0, 0, 1, 1, 2, 1, 1, 0, 0):
        site.look()

    lines = process_logs.lines()
    assert [(line["frame_number"], line["roi_violations"]) for line in lines] == [
        (1, 0),
        (3, 1),
        (5, 2),
        (6, 1),
        (8, 0),
    ]


def test_a_frame_of_which_events_came_comes_with_when_it_was_captured(process_logs: ProcessLogs) -> None:
    process_logs.begin()
    site = Site()
    site.look()
    site.look(told=True)

    captured, processed = process_logs.lines()[1:]
    assert (captured["event"], processed["event"]) == ("frame_captured", "frame_processed")
    assert captured["correlation_id"] == processed["correlation_id"] == "gate-1-3-2"
    assert captured["captured_at"].endswith("+00:00")


def test_drops_come_once_a_minute_for_each_reason_and_say_how_many_there_were(process_logs: ProcessLogs) -> None:
    process_logs.begin()
    site = Site()
    for _ in range(61):
        site.drop("late")
    site.drop("breaker")

    said = [(line["level"], line["reason"], line["dropped_before"]) for line in process_logs.lines("frame_dropped")]
    assert said == [("warning", "late", 0), ("warning", "late", 59), ("warning", "breaker", 0)]
