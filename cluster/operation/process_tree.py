"""Ends every process of the one-node Ray, by process id and by nothing else.

Ray renames its workers and the renaming overwrites their environment, so neither name nor environment
finds them all. What does is the session: `ray start` is started as the leader of a new one, all that it
starts stays in it (observed on Ray 2.60), and the kernel gives the id of a session to nobody while a
member lives. Names would also hit other people's Rays; `ray stop` does just that.
"""

import os
import time
from collections.abc import Iterable

import psutil

_REAP_S = 5.0
_POLL_S = 0.1


def members(leader: int) -> list[psutil.Process]:
    """Every living process of the session led by `leader`, and all descendants of these."""
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        if _session(process.pid) == leader:
            found[process.pid] = process
            found.update((child.pid, child) for child in _descendants(process))
    return [process for process in found.values() if _lives(process)]


def is_same(pid: int, created: float) -> bool:
    """Whether process `pid` is the one that was started at `created` (and not a later one with its number)."""
    try:
        return abs(psutil.Process(pid).create_time() - created) < 1.0 and _lives(psutil.Process(pid))
    except psutil.Error:
        return False


def was_given_away(pid: int, created: float) -> bool:
    """Whether the system has given `pid` to a later process, whose session is not ours."""
    try:
        return abs(psutil.Process(pid).create_time() - created) >= 1.0
    except psutil.Error:
        return False


def is_ray(process: psutil.Process) -> bool:
    """Whether `process` is one of Ray's, by the names that Ray gives them."""
    try:
        return process.name().startswith(("ray", "gcs_server"))
    except psutil.Error:
        return False


def end(leader: int, patience_s: float) -> list[int]:
    """SIGTERM to `leader`, who ends its children; what is left after `patience_s` gets SIGKILL.

    Returns the ids of what could not be ended within a few seconds more, which should be none.
    """
    known = {process.pid: process for process in members(leader)}
    if patience_s > 0 and leader in known:
        _terminate(known[leader])
        _wait_until_gone(known.values(), patience_s)
    known.update((process.pid, process) for process in members(leader))
    left = [process for process in known.values() if _lives(process)]
    for process in left:
        _kill(process)
    return [process.pid for process in _wait_until_gone(left, _REAP_S)]


def _wait_until_gone(processes: Iterable[psutil.Process], limit_s: float) -> list[psutil.Process]:
    left = list(processes)
    deadline = time.monotonic() + limit_s
    while left and time.monotonic() < deadline:
        # Collects what was our own child; others only get waited for.
        left = [process for process in psutil.wait_procs(left, timeout=_POLL_S)[1] if _lives(process)]
    return left


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1


def _terminate(process: psutil.Process) -> None:
    try:
        process.terminate()
    except psutil.Error:
        return


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.Error:
        return
