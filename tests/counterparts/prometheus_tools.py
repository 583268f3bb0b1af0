"""Prometheus' and Alertmanager's own programs, as Debian has them."""

import subprocess
from pathlib import Path

from counterparts.missing import missing_counterpart

LIMIT_S = 60.0


def promtool(*words: str, folder: Path | None = None) -> str:
    """What `promtool WORDS` says; fails the test with it if promtool finds something wrong."""
    return _run("promtool", *words, folder=folder)


def amtool(*words: str, folder: Path | None = None) -> str:
    """As `promtool`."""
    return _run("amtool", *words, folder=folder)


def _run(program: str, *words: str, folder: Path | None) -> str:
    try:
        done = subprocess.run(
            [program, *words], cwd=folder, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
    except FileNotFoundError as error:
        missing_counterpart(program, error)
    said = done.stdout + done.stderr
    assert done.returncode == 0, f"{program} {' '.join(words)}\n{said}"
    return said
