"""The machine under a benchmark: what it is, and whether others used it meanwhile."""

import os
import platform
import subprocess
import threading
from collections import deque
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

_PACKAGES = ("ray", "torch", "ultralytics", "openvino", "opencv-python", "numpy")
_LOOK_EVERY_S = 5.0
# Less of one core than this is what any machine does by itself.
_BUSY_CORES = 0.15


def description() -> dict[str, Any]:
    """Cores, memory, processor and versions."""
    cpuinfo = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    models = [line.partition(":")[2].strip() for line in cpuinfo.splitlines() if line.startswith("model name")]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "processor": models[0] if models else platform.processor(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _PACKAGES},
        "commit": _commit(),
    }


def load() -> list[float]:
    """Load averages of 1, 5 and 15 minutes."""
    return [round(value, 2) for value in os.getloadavg()]


class OtherWork:
    """Watches meanwhile how many cores are used by processes that do not descend from this one."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._seen: deque[float] = deque(maxlen=10_000)
        self._thread = threading.Thread(target=self._watch, name="other-work", daemon=True)
        self._thread.start()

    def stop(self) -> dict[str, float]:
        """Cores used by others: on average, and in the worst tenth of the time."""
        self._stopping.set()
        self._thread.join(10)
        seen = sorted(self._seen) or [0.0]
        return {"mean_cores": sum(seen) / len(seen), "p90_cores": seen[int(0.9 * (len(seen) - 1))]}

    def _watch(self) -> None:
        before = _cpu_by_process()
        while not self._stopping.wait(_LOOK_EVERY_S):
            now = _cpu_by_process()
            ours = {process.pid for process in [psutil.Process(), *psutil.Process().children(recursive=True)]}
            # Who is not there any more may have been one of ours: only what is seen twice counts.
            used_s = sum(now[pid] - before[pid] for pid in now.keys() & before.keys() if pid not in ours)
            self._seen.append(used_s / _LOOK_EVERY_S)
            before = now


def warning(other: dict[str, float]) -> str:
    """One line if others worked on the machine, "" if it was ours."""
    if other["mean_cores"] < _BUSY_CORES:
        return ""
    return f"others used {other['mean_cores']:.2f} cores on average meanwhile: these figures are worse than the product"


def _cpu_by_process() -> dict[int, float]:
    used: dict[int, float] = {}
    for process in psutil.process_iter(["cpu_times"]):
        if (times := process.info["cpu_times"]) is not None:
            used[process.pid] = times.user + times.system
    return used


def _commit() -> str:
    asked = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return asked.stdout.strip()
