"""What every process of a simulated site holds over time: memory, file descriptors, threads."""

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psutil
from counterparts.simulated_site import SimulatedSite

MEBIBYTE = 1024 * 1024
MOST_MB_A_MINUTE = 0.2
"""Slope of the memory of a process from which on it is said to grow."""
_FEWEST_SAMPLES = 4


@dataclass(slots=True)
class Held:
    """One process. Lists of one length; `at_s` from the first sample of all; rss and pss in MiB."""

    role: str
    pid: int
    at_s: list[float] = field(default_factory=list)
    rss_mb: list[float] = field(default_factory=list)
    pss_mb: list[float] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)

    def take(self, process: psutil.Process, at_s: float) -> None:
        with process.oneshot():
            memory = process.memory_full_info()
            descriptors, threads = process.num_fds(), process.num_threads()
        self.at_s.append(at_s)
        self.rss_mb.append(memory.rss / MEBIBYTE)
        self.pss_mb.append(memory.pss / MEBIBYTE)
        self.descriptors.append(descriptors)
        self.threads.append(threads)

    def after(self, settle_s: float) -> slice:
        """The samples from `settle_s` on."""
        return slice(next((n for n, at_s in enumerate(self.at_s) if at_s >= settle_s), len(self.at_s)), None)


class Growth:
    """Samples of all processes of one site."""

    def __init__(self) -> None:
        self.processes: dict[int, Held] = {}
        self._started_s = time.monotonic()

    def sample(self, site: SimulatedSite) -> None:
        at_s = time.monotonic() - self._started_s
        roles = _roles(site)
        for process in site.nodes.processes():
            try:
                held = self.processes.setdefault(
                    process.pid, Held(roles.get(process.pid) or process.name(), process.pid)
                )
                held.take(process, at_s)
            except psutil.Error:  # it ended between the two calls: an idle worker of Ray
                continue


def verdict(growth: Growth, *, settle_s: float) -> dict[str, Any]:
    """Each process's slope and counts after `settle_s`, and which of them grew.

    A process that came or went after that is told too and judged by nobody: Ray starts and ends idle workers.
    """
    if not growth.processes:
        return {"processes": [], "grew": []}
    last_s = max(held.at_s[-1] for held in growth.processes.values())
    rows = [_row(held, settle_s, last_s) for held in growth.processes.values()]
    return {"settle_s": settle_s, "processes": rows, "grew": [row["role"] for row in rows if row["grew"]]}


def _row(held: Held, settle_s: float, last_s: float) -> dict[str, Any]:
    chosen = held.after(settle_s)
    lived = held.at_s[0] <= settle_s and held.at_s[-1] == last_s and len(held.at_s[chosen]) >= _FEWEST_SAMPLES
    row: dict[str, Any] = {"role": held.role, "pid": held.pid, "lived": lived, "grew": []}
    if not lived:
        return row
    minutes = np.array(held.at_s[chosen]) / 60
    slope = float(np.polyfit(minutes, held.rss_mb[chosen], 1)[0])
    row |= {
        "slope_mb_a_minute": round(slope, 3),
        "pss_mb": _ends(held.pss_mb[chosen]),
        "rss_mb": _ends(held.rss_mb[chosen]),
    }
    row |= {"descriptors": _ends(held.descriptors[chosen]), "threads": _ends(held.threads[chosen])}
    grew = {
        "memory": slope >= MOST_MB_A_MINUTE,
        "descriptors": row["descriptors"][1] > row["descriptors"][0],
        "threads": row["threads"][1] > row["threads"][0],
    }
    row["grew"] = [what for what, did in grew.items() if did]
    return row


def _ends(values: list[Any]) -> tuple[float, float]:
    """The most of the first and the least of the last quarter: what is held for a moment is no growth."""
    quarter = max(1, len(values) // 4)
    return round(float(max(values[:quarter])), 1), round(float(min(values[-quarter:])), 1)


def _roles(site: SimulatedSite) -> dict[int, str]:
    """Process ids onto what an operator calls them; the rest are Ray's own."""
    roles = {pid: name for name, pid in site.actors()}
    return {pid: name.removeprefix("SERVE_REPLICA::").rsplit("#", 1)[0] for pid, name in roles.items()}
