"""What one camera actor costs: memory at 720p, and CPU at 10 frames a second of 720p without inference.

Memory is the proportional set size of an actor that reads H.264 by RTSP and has every frame looked at by a stub
detector, the only camera of its Ray. For CPU two actors more read without inference: the same stream, and a file.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import psutil
from bench_part import BUILD, ROOT, Result, demo_clip, figure, run
from bench_site import Site, camera, pause, running, stub_detector, until

sys.path.insert(0, str(ROOT / "tests"))
_FPS = 10
_STEADY_AFTER_S = 30.0
_WINDOW_S = 15.0


def one_camera(rounds: int) -> Result:
    clip = demo_clip()
    with _rtsp(clip) as url, running(_cameras(url, clip), stub_detector(640)) as site:
        site.deploy()
        site.start_cameras(1, demanded=False)
        until(lambda: site.reports()[0].detect_fps > 1, "frames that are looked at")
        pause(_STEADY_AFTER_S)
        memory = [_memory(site) for _ in range(rounds)]
        threads = site.all("threads")[0]
        site.start_cameras(3, demanded=False)
        pause(5.0)
        cpu = [_cpu(site) for _ in range(rounds)]
    figures = {
        "camera.pss_mb": figure([m["pss_mb"] for m in memory], "<= 170", unit="MB", threads=threads),
        "camera.cpu_percent": figure([max(c["rtsp"], c["file"]) for c in cpu], "<= 8", unit="% of one core"),
    }
    return {"figures": figures, "memory": memory, "cpu": cpu}


def _cameras(url: str, clip: Path) -> list[dict[str, Any]]:
    """Looked at, by RTSP; not looked at, by RTSP; not looked at, a file."""
    looking = camera(0, url, detect_fps=_FPS)
    return [looking, camera(1, url, detect=False), camera(2, clip, detect=False)]


def _memory(site: Site) -> dict[str, float]:
    pause(5.0)
    memory: dict[str, float] = site.all("memory")[0]
    return {key: round(memory[key], 1) for key in ("pss_mb", "rss_mb", "anonymous_mb", "private_dirty_mb")}


def _cpu(site: Site) -> dict[str, float]:
    """Percent of one core, and frames a second that came meanwhile."""
    processes = {
        name: psutil.Process(r.pid) for name, r in zip(("looking", "rtsp", "file"), site.reports(), strict=True)
    }
    before = {name: sum(p.cpu_times()[:2]) for name, p in processes.items()}
    first, last = site.window(_WINDOW_S, settle_s=0.0)
    share = {name: (sum(p.cpu_times()[:2]) - before[name]) / (last - first) * 100 for name, p in processes.items()}
    rates = dict(zip(("looking_fps", "rtsp_fps", "file_fps"), (r.capture_fps for r in site.reports()), strict=True))
    return share | rates


@contextmanager
def _rtsp(clip: Path) -> Iterator[str]:
    """The demo clip as H.264 by RTSP (GStreamer's server, the counterpart of the tests)."""
    from counterparts.rtsp import RtspServer

    server = RtspServer(width=1280, height=720, fps=_FPS, frames=_jpegs(clip))
    try:
        yield server.url
    finally:
        server.stop()


def _jpegs(clip: Path) -> Path:
    folder = BUILD / "jpegs"
    folder.mkdir(parents=True, exist_ok=True)
    capture, index = cv2.VideoCapture(str(clip), cv2.CAP_FFMPEG), 0
    while (read := capture.read())[0]:
        cv2.imwrite(str(folder / f"{index:06d}.jpg"), read[1])
        index += 1
    return folder


if __name__ == "__main__":
    run(one_camera)
