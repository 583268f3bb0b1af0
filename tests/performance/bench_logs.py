"""What logging costs: one line that is written, one that is not, and their share of a camera's CPU.

    python tests/performance/bench_logs.py [--seconds 2]

Prints one JSON object. `share_percent` is the worst case of the defaults: every camera writes one `frame_processed` in
10 s, asks for each of its frames whether one is due, and says nothing else.
"""

import argparse
import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

FRAMES_A_SECOND, CAMERAS = 5.0, 50
_EVERY_S = 10.0


def cpu_us(act: Callable[[], object], seconds: float) -> float:
    """Microseconds of CPU of one `act`."""
    done, began = 0, time.process_time()
    while time.process_time() - began < seconds:
        for _ in range(200):
            act()
        done += 200
    return (time.process_time() - began) / done * 1e6


def measured(seconds: float) -> dict[str, float]:
    import structlog

    from cluster.camera.frame_lines import FrameLines
    from cluster.operation.log_follow import LogFollower
    from cluster.operation.log_lines import Wanted
    from cluster.safety.detections import Detections
    from cluster.safety.frames import Frame
    from cluster.telemetry.logs import configure_logs

    configure_logs("camera", camera_id="gate-1")
    log = structlog.get_logger()
    frame = Frame("gate-1", 1795397833, 1234, datetime.now(UTC), 0.0, np.zeros((4, 4, 3), np.uint8))
    nothing = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), (), "d" * 64, 640, 0.0123)
    always, seldom = FrameLines("gate-1", lambda: 0), FrameLines("gate-1", lambda: 0)
    always.every(0.0)
    seldom.every(3600.0)
    found = {
        "written_us": cpu_us(lambda: always.processed(frame, nothing, told=False), seconds),
        "held_back_us": cpu_us(lambda: seldom.processed(frame, nothing, told=False), seconds),
        "below_level_us": cpu_us(lambda: log.debug("frame", correlation_id="gate-1-1-1"), seconds),
    }
    a_second = found["written_us"] / _EVERY_S + found["held_back_us"] * FRAMES_A_SECOND
    found["share_percent"] = a_second / 1e6 * 100
    found["share_percent_50_cameras"] = found["share_percent"] * CAMERAS

    folder = Path(os.environ["SAFE_YOLO_LOG_DIR"])
    for number in range(60):
        (folder / f"other.1.{number}.0000.jsonl").write_text("")
    follower = LogFollower(folder, lambda: None, Wanted())
    found["follow_idle_ms_a_second"] = cpu_us(follower.poll, seconds) / 1000 * 2
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SAFE_YOLO_LOG_DIR"] = folder
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
            found = measured(seconds)
    print(json.dumps({key: round(value, 4) for key, value in found.items()}))


if __name__ == "__main__":
    main()
