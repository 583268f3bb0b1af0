"""The level guide of the operations plan (1.3), each of its examples by the code that really says it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from counterparts.process_logs import ProcessLogs
from counterparts.scripted_camera import SCENE, Script, WatchedLoop, camera
from counterparts.waiting import PATIENCE_S, wait_for

from cluster.camera.frame_lines import FrameLines
from cluster.safety.detections import Detections
from cluster.safety.errors import CameraUnreachable, DatabaseUnavailable, WeightsError
from cluster.safety.frames import Frame
from cluster.safety.status import CameraReport, CameraStatus
from cluster.settings.models import DetectorSettings
from deployments.cameras.outage_lines import OutageLines
from deployments.cameras.recorder import EventRecorder
from deployments.detector.asked_frame import say_found
from deployments.detector.batch_limit import BatchLimit
from deployments.detector.slot import ModelSlot

BOX = np.array([[0.1, 0.2, 0.3, 0.4]], np.float32)
FOUND = Detections(BOX, np.array([0.9], np.float32), ("person",), "d" * 64, 320, 0.0123456)
FRAME = Frame("gate-1", 3, 7, datetime.now(UTC), 10.0, np.zeros((4, 6, 3), np.uint8))


def frame_bytes_and_coordinates() -> None:
    say_found(FRAME.image, FOUND)


@contextmanager
def capturing(script: Script) -> Iterator[WatchedLoop]:
    watched = WatchedLoop(script, camera(max_backoff_s=1))
    yield watched
    script.over.set()
    assert watched.loop.stop(PATIENCE_S)
    watched.thread.join(PATIENCE_S)


def a_camera_connects() -> None:
    with capturing(Script([SCENE])) as watched:
        watched.until_frames(1)


def a_lost_camera_comes_back() -> None:
    with capturing(Script([CameraUnreachable("away")], [SCENE])) as watched:
        watched.until_frames(1)


def a_stream_ends() -> None:
    from cluster.safety.errors import CameraEnded
    from cluster.settings.cameras import SourceKind

    with capturing(Script([SCENE, CameraEnded("its end")], kind=SourceKind.FILE)) as watched:
        watched.blind("ended")


def a_frame_is_dropped() -> None:
    FrameLines("gate-1", lambda: 0).dropped(FRAME, "late")


def a_model_cannot_be_loaded() -> None:
    def candidate(_: DetectorSettings) -> Any:
        raise WeightsError("weights.pt: truncated")

    shelf: Any = SimpleNamespace(candidate=candidate, last_good=list)
    slot = ModelSlot(shelf, swapped=lambda *_: None, failed=lambda _: None)
    slot.want(DetectorSettings(model="fall-s"))
    wait_for("the model is refused", lambda: "truncated" in slot.error)
    assert slot.stop(PATIENCE_S)


def the_database_does_not_answer() -> None:
    async def record(*_: Any) -> int:
        raise DatabaseUnavailable("no answer")

    store: Any = SimpleNamespace(record=record, ping=record)
    recorder = EventRecorder(store, store)
    with pytest.raises(DatabaseUnavailable):
        asyncio.run(recorder.record("gate-1", 3, [], ()))


def a_gpu_is_out_of_memory() -> None:
    import torch

    def detect_all(images: list[Any]) -> list[Detections]:
        if len(images) > 1:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return [FOUND]

    limit = BatchLimit(lambda _: None)
    limit.configure(2)
    limit.run(SimpleNamespace(detect_all=detect_all), [FRAME.image] * 2)  # type: ignore[arg-type]


def the_whole_service_is_down() -> None:
    blind = [CameraReport(name, name, CameraStatus.UNMONITORED, datetime.now(UTC)) for name in ("a", "b")]
    OutageLines().cameras(blind)


GUIDE: list[tuple[str, str, Callable[[], None]]] = [
    ("debug", "inference_done", frame_bytes_and_coordinates),
    ("info", "camera_connected", a_camera_connects),
    ("info", "camera_ended", a_stream_ends),
    ("warning", "frame_dropped", a_frame_is_dropped),
    ("warning", "camera_recovered", a_lost_camera_comes_back),
    ("error", "model_refused", a_model_cannot_be_loaded),
    ("error", "database_failed", the_database_does_not_answer),
    ("critical", "gpu_out_of_memory", a_gpu_is_out_of_memory),
    ("critical", "service_down", the_whole_service_is_down),
]


@pytest.mark.parametrize(("level", "event", "happens"), GUIDE, ids=[f"{level} {name}" for level, name, _ in GUIDE])
def test_the_plans_examples_have_the_plans_levels(
    process_logs: ProcessLogs, level: str, event: str, happens: Callable[[], None]
) -> None:
    process_logs.begin("test", level="DEBUG")
    happens()

    assert [line["level"] for line in process_logs.lines(event)] == [level]


def test_bytes_and_coordinates_are_in_no_line_above_debug(process_logs: ProcessLogs) -> None:
    process_logs.begin("detector")
    frame_bytes_and_coordinates()

    assert process_logs.lines() == []


def test_the_service_is_down_when_all_that_should_be_watched_is_blind_and_that_is_said_once(
    process_logs: ProcessLogs,
) -> None:
    def report(status: CameraStatus) -> CameraReport:
        return CameraReport("a", "a", status, datetime.now(UTC), "no power")

    blind, seen, off = map(report, (CameraStatus.UNMONITORED, CameraStatus.DEGRADED, CameraStatus.DISABLED))
    process_logs.begin("supervisor")
    lines = OutageLines()
    for reports in ([blind, seen], [off], [], [blind, off], [blind], [seen, blind], [seen]):
        lines.cameras(reports)

    assert [(line["event"], line["level"], line["cameras"]) for line in process_logs.lines()] == [
        ("service_down", "critical", 1),
        ("service_back", "warning", 2),
    ]


def test_a_database_that_stays_away_is_said_once_and_that_it_is_back(process_logs: ProcessLogs) -> None:
    process_logs.begin("supervisor")
    lines = OutageLines()
    for fault in ("", "no answer", "no answer", "", ""):
        lines.database(fault)

    assert [(line["event"], line["level"]) for line in process_logs.lines()] == [
        ("cameras_not_read", "error"),
        ("cameras_read_again", "warning"),
    ]
