"""`safe-yolo logs`, and the lines that `up --foreground` shows while the site runs."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cluster.operation import ray_state
from cluster.operation.interruption import Interruption
from cluster.operation.log_follow import LogFollower
from cluster.operation.log_lines import Wanted, log_sources, merged
from cluster.safety.errors import SiteUnhealthy
from cluster.settings.log_files import log_folder

_ALIVE_EVERY_S = 2.0


def logs(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines until Ctrl-C.")] = False,
    camera: Annotated[str, typer.Option(help="Lines about this camera only.")] = "",
    correlation: Annotated[str, typer.Option(help="Lines about this frame, event or request only.")] = "",
    level: Annotated[str, typer.Option(help="Lines of this level and above.")] = "",
    since: Annotated[str, typer.Option(help="Lines from this moment on, in UTC: 2026-11-23T08:00 or part of it.")] = "",
) -> None:
    """Print the log lines (JSON) of all processes of this node in the order of time, Ray's and Serve's among them."""
    wanted = Wanted(camera, correlation, level, since)
    state = ray_state.last()
    folder = Path(state.logs) if state is not None and state.logs else log_folder()
    try:
        if not follow:
            for line in merged(log_sources(folder, _session_logs()), wanted):
                _print(line)
            return
        with Interruption() as interruption:
            LogFollower(folder, _session_logs, wanted).run(_print, interruption.stopping)
    except BrokenPipeError:
        # Whoever read, `head` for example, has enough; Python must not complain about it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def shown_logs(folder: Path) -> Iterator[None]:
    """Inside of the block all new lines of the node are printed, beside what the block does."""
    since, stop = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"), threading.Event()
    follower = LogFollower(folder, _session_logs, Wanted(since=since))
    thread = threading.Thread(target=follower.run, args=(_print, stop), name="logs", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(5.0)


def stay(interruption: Interruption) -> None:
    """Until a signal comes.

    Raises:
        SiteUnhealthy: Ray ended by itself, or somebody stopped the site from elsewhere.
    """
    while not interruption.stopping.wait(_ALIVE_EVERY_S):
        if ray_state.load() is None:
            raise SiteUnhealthy("Ray has ended", "see the lines above")


def _session_logs() -> Path | None:
    """Of the Ray that runs, or ran last; asked again and again, because it may begin later."""
    state = ray_state.last()
    return Path(state.run_dir) / "ray" / "session_latest" / "logs" if state is not None and state.run_dir else None


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
