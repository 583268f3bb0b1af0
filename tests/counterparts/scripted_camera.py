"""A camera's source that does as scripted, and a capture loop that reads it while a test looks on."""

import itertools
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from counterparts.waiting import PATIENCE_S, wait_for

from cluster.camera.capture import CaptureLoop
from cluster.safety.errors import CameraEnded, CameraError, ConfigError
from cluster.safety.frames import Frame, Image
from cluster.settings.cameras import CameraSettings, SourceKind

SCENE = np.random.default_rng(1).integers(60, 200, (48, 64, 3), np.uint8)


def camera(**settings: object) -> CameraSettings:
    values = {"camera_id": "gate-1", "source": "rtsp://cam/1", "open_timeout_s": 1, "read_timeout_s": 1}
    return CameraSettings(**values | settings)


def ticking(step_s: float) -> Callable[[], float]:
    """A clock that goes on by `step_s` each time that somebody looks."""
    ticks = itertools.count()
    return lambda: next(ticks) * step_s


class Script:
    """What the source does, opening after opening: pictures are given, errors raised, a Hang hangs.

    In step with the loop: a picture comes only after the one before was taken. After the last act the
    source waits for the test's end.
    """

    def __init__(self, *openings: list[Image | Exception | threading.Event], kind: SourceKind = SourceKind.RTSP):
        self.openings = iter(openings)
        self.opened, self.closed = 0, 0
        self.kind = kind
        self.taken = threading.Semaphore(1)
        self.over = threading.Event()

    def open(self, _: CameraSettings) -> "Source":
        acts = next(self.openings, [])
        if acts and isinstance(acts[0], ConfigError | CameraError) and len(acts) == 1:
            raise acts[0]
        self.opened += 1
        return Source(self, iter(acts))


class Source:
    width, height, fps, codec = 64, 48, 15.0, "h264"

    def __init__(self, script: Script, acts: Iterator[Image | Exception | threading.Event]) -> None:
        self.script, self.acts, self.kind = script, acts, script.kind

    def read(self) -> Image:
        assert self.script.taken.acquire(timeout=PATIENCE_S)
        match next(self.acts, None):
            case Exception() as error:
                self.script.taken.release()
                raise error
            case threading.Event() as hang:
                self.script.taken.release()
                hang.wait(PATIENCE_S)
                return SCENE.copy()
            case None:
                self.script.over.wait(PATIENCE_S)
                self.script.taken.release()
                raise CameraEnded("the test is over")
            case image:
                return image.copy()

    def close(self) -> None:
        self.script.closed += 1


class WatchedLoop:
    """A loop that runs on a script; `failing`: what takes its frames raises each time."""

    def __init__(self, script: Script, settings: CameraSettings, failing: bool = False, **options: Any) -> None:
        self.script, self.failing = script, failing
        self.frames: list[Frame] = []
        self.healths: list[str] = []
        self.stuck = threading.Event()
        options = {"open_source": script.open, "rng": random.Random(1), **options}  # noqa: S311
        self.loop = CaptureLoop(settings, 3, on_frame=self._keep, on_stuck=self.stuck.set, **options)
        self.thread = threading.Thread(target=self.loop.run, daemon=True)
        self.thread.start()

    def _keep(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.healths.append(self.loop.health().blind_reason)
        self.script.taken.release()
        if self.failing:
            raise ValueError("a fault in the pipeline")

    def until(self, condition: Callable[[], bool]) -> None:
        wait_for("what the loop should come to", condition, every_s=0.01, instead=self.loop.health)

    def until_frames(self, count: int) -> None:
        self.until(lambda: len(self.frames) >= count)

    def blind(self, code: str) -> None:
        self.until(lambda: self.loop.health().error_code == code)
