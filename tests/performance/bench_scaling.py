"""4, 16 and 48 cameras with a detector that answers at once: what a frame costs outside it, and the memory.

Each camera gives one frame of 720p a second, evenly spread, so that no number of cameras fills the machine (two a
second from 48 filled two cores). Nothing is counted before all of them are looked at: starts cost seconds of a core.
"""

import time
from typing import Any

import numpy as np
import psutil
from bench_part import Result, demo_clip, figure, medians, run
from bench_site import Site, camera, running, stub_detector

COUNTS = (4, 16, 48)
_PERIOD_S = 1.0
_SETTLED_FROM = 0.97
_SETTLES_WITHIN_S = 240.0
_WINDOW_S = 12.0


def scaling(rounds: int) -> Result:
    clip = demo_clip()
    steps: dict[str, Any] = {}
    with running([camera(n, clip) for n in range(COUNTS[-1])], stub_detector(320)) as site:
        site.deploy()
        for count in COUNTS:
            while len(site.actors) < count:  # a few at a time: each start takes seconds of a core
                site.start_cameras(min(count, len(site.actors) + 4))
            site.in_turn(_PERIOD_S)
            _settle(site, count)
            steps[str(count)] = _step(site, rounds)
    return {"figures": _figures(steps), "steps": steps}


def _settle(site: Site, count: int) -> None:
    """Until all frames are looked at; on a machine that is too small for it, until it is plain that they never are."""
    deadline_s = time.monotonic() + _SETTLES_WITHIN_S
    while time.monotonic() < deadline_s:
        window = site.window(5.0, settle_s=0.0)
        if len(site.frames(window)) >= _SETTLED_FROM * count * 5.0 / _PERIOD_S:
            return


def _step(site: Site, rounds: int) -> Result:
    measured = [_measure(site) for _ in range(rounds)]
    cameras_mb = [m["pss_mb"] for m in site.all("memory")]
    return {"cpu_ms_a_frame": measured, "cameras_mb": sum(cameras_mb), "all_mb": _all_mb()}


def _measure(site: Site) -> dict[str, float]:
    """CPU ms a frame of each kind of process, and of all outside the detector."""
    started_s = time.monotonic()
    before = site.cpu_s()
    window = site.window(_WINDOW_S, settle_s=0.0)
    after, frames = site.cpu_s(), max(1, len(site.frames(window)))
    # The counters were read a moment before and after the window in which the frames are counted.
    stretch = (window[1] - window[0]) / (time.monotonic() - started_s)
    each = {kind: (after[kind] - before.get(kind, 0.0)) * 1000 * stretch / frames for kind in after}
    outside = sum(ms for kind, ms in each.items() if kind not in ("detector", "idle workers"))
    return each | {"outside": outside, "frames_per_s": frames / (window[1] - window[0])}


def _all_mb() -> float:
    """Proportional set size of every process of this Ray."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            total += process.memory_full_info().pss / 1e6
        except psutil.Error:
            continue
    return total


def _figures(steps: Result) -> Result:
    first, last = (medians(steps[str(count)]["cpu_ms_a_frame"]) for count in (COUNTS[0], COUNTS[-1]))
    growth = {key: last[key] / first[key] for key in ("outside", "camera")}
    slope, r_squared = _line([steps[str(count)]["all_mb"] for count in COUNTS])
    return {
        # Of the two the worse: what the cluster itself costs is spread over more frames and would hide a growth.
        "scaling.cpu_growth": figure([max(growth.values())], "<= 1.2", unit="times", **growth),
        "scaling.memory_r2": figure([r_squared], ">= 0.99", mb_a_camera=slope, unit="R2"),
    }


def _line(megabytes: list[float]) -> tuple[float, float]:
    """MB a camera, and how straight the line is (R2)."""
    slope, base = np.polyfit(COUNTS, megabytes, 1)
    residuals = np.asarray(megabytes) - (slope * np.asarray(COUNTS) + base)
    return float(slope), float(1 - residuals.var() / np.var(megabytes))


if __name__ == "__main__":
    run(scaling)
