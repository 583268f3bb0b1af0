"""Makes the demo clip: real people walk into the danger zone beside a press and out again.

The zone is the one of `serve_config.yaml`: x 0.35..0.65, y 0.3..1.0 of the picture. The clip begins and ends
with the empty scene, so that it can be looped, and every frame has its own sensor noise, so that a camera
that plays it is not taken for frozen.
"""

import math
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cluster.camera.demo_scene import HEIGHT_PX, WIDTH_PX, Cutout, paste, people, workshop
from cluster.safety.errors import ConfigError
from cluster.safety.frames import Image

FPS = 10
SECONDS = 24
_NOISE_SIGMA = 3.0
_NOISE_FIELDS = 12
_STEP_S = 0.55
_LIFT_PX = 5


@dataclass(frozen=True, slots=True)
class Walk:
    """One crossing of the picture: in from one side, a stop at `stop_x`, out on the other side.

    Times are seconds of the clip, places shares of the picture. Who walks from right to left is mirrored.
    """

    person: int
    starts_s: float
    stops_s: float
    leaves_s: float
    ends_s: float
    from_x: float
    stop_x: float
    to_x: float
    feet_y: float

    def place(self, time_s: float) -> tuple[float, float] | None:
        """Where the feet are, or None while the person is not in the scene."""
        if not self.starts_s <= time_s <= self.ends_s:
            return None
        times = (self.starts_s, self.stops_s, self.leaves_s, self.ends_s)
        x = float(np.interp(time_s, times, (self.from_x, self.stop_x, self.stop_x, self.to_x)))
        walking = not self.stops_s <= time_s <= self.leaves_s
        lift = _LIFT_PX * abs(math.sin(math.pi * time_s / _STEP_S)) if walking else 0.0
        return x, self.feet_y - lift / HEIGHT_PX


WALKS = (
    Walk(0, 2.0, 4.8, 7.0, 9.5, -0.10, 0.50, 1.10, 0.93),
    Walk(1, 11.5, 14.2, 17.6, 20.5, 1.08, 0.56, -0.08, 0.90),
    Walk(2, 12.5, 15.5, 18.5, 21.5, -0.12, 0.41, -0.12, 1.0),
)


def make_demo_clip(path: Path, *, progress: Callable[[float], None] | None = None) -> None:
    """Write the clip to `path` (.mp4, 24 s, 1280x720, 10 frames a second), whole or not at all.

    `progress` is told the share done, 0..1. Whoever calls looks first whether the file is there.

    Raises:
        ConfigError: the photographs are missing, or the file cannot be written.
    """
    partial = path.with_name(f".{path.stem}.{os.getpid()}.part.mp4")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(partial, progress or (lambda _: None))
        partial.replace(path)
    except OSError as error:
        raise ConfigError(str(path), "", "", error.strerror or str(error), "free disk space or rights") from error
    finally:
        with suppress(OSError):  # what went wrong is told already
            partial.unlink(missing_ok=True)


def demo_frames() -> Iterator[Image]:
    """The frames of the clip in order, each (720, 1280, 3) uint8 BGR. The same on every run."""
    empty, cast = workshop(), people()
    rng = np.random.default_rng(7)
    fields = rng.normal(0, _NOISE_SIGMA, (_NOISE_FIELDS, HEIGHT_PX, WIDTH_PX, 1)).astype(np.float32)
    for index in range(FPS * SECONDS):
        scene = empty.copy()
        _draw_people(scene, cast, index / FPS)
        scene += np.roll(fields[index % _NOISE_FIELDS], int(rng.integers(WIDTH_PX)), axis=1)
        yield np.clip(scene, 0, 255).astype(np.uint8)


def _draw_people(scene: NDArray[np.float32], cast: tuple[Cutout, ...], time_s: float) -> None:
    for walk in sorted(WALKS, key=lambda walk: walk.feet_y):  # who is nearer hides who is behind
        if (place := walk.place(time_s)) is not None:
            person = cast[walk.person]
            turned = person.mirrored() if walk.to_x < walk.from_x else person
            paste(scene, turned, place[0] * WIDTH_PX, place[1] * HEIGHT_PX)


def _write(path: Path, progress: Callable[[float], None]) -> None:
    fourcc = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, fourcc, FPS, (WIDTH_PX, HEIGHT_PX))
    if not writer.isOpened():
        raise OSError(None, "cannot be written")
    try:
        for index, frame in enumerate(demo_frames(), start=1):
            writer.write(frame)
            progress(index / (FPS * SECONDS))
    finally:
        writer.release()
    _check_complete(path)


def _check_complete(path: Path) -> None:
    """OpenCV's writer says nothing when the disk is full; what can be read back says it."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    frames = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    capture.release()
    if frames != FPS * SECONDS:
        raise OSError(None, f"was cut short after {frames} of {FPS * SECONDS} frames")
