"""Whether weights may serve, asked of a process that has torch; a good answer is remembered.

The file and its sha256 say nothing of the task, the classes, or whether any runtime opens it. A detector that is
told too late leaves every camera unwatched.
"""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from cluster.operation.interruption import Interruption
from cluster.operation.progress import Progress
from cluster.safety.errors import WeightsError
from cluster.settings.base import PROJECT_ROOT, cache_folder
from cluster.settings.models import ModelSettings

Ask = Callable[[Sequence[str]], str]
"""Runs `deployments.detector.verdict` with arguments; what it printed."""

LIMIT_S = 300.0
"""The first time it exports to OpenVINO as well, which a slow machine takes a minute for."""
_POLL_S = 0.2
_VERDICT = "deployments.detector.verdict"
# What a verdict depends on besides the weights; a good one of other versions is worth nothing.
_JUDGES = ("safe-yolo", "ultralytics", "torch", "openvino")


class WeightsVerdicts:
    """Good verdicts of this machine, one file each in `folder`."""

    def __init__(self, ask: Ask, folder: Path | None = None) -> None:
        self._ask, self._folder = ask, folder or cache_folder() / "verdicts"

    def prove(self, model: ModelSettings, runtime: str, models_file: str) -> None:
        """Have the weights of `model`, whose digest was checked, opened and shown a picture; once.

        Raises:
            WeightsError: they may not serve.
        """
        remembered = self._folder / _key(model, runtime)
        if remembered.exists():
            return
        arguments = (model.name, "--load", "--runtime", runtime, "--models", models_file)
        verdict = _read(self._ask(arguments))
        if not verdict.get("ok"):
            raise WeightsError(str(verdict.get("reason") or "no reason given"), str(verdict.get("mend") or ""))
        _remember(remembered, model)


def asked_of_a_process(progress: Progress, interruption: Interruption, *, limit_s: float = LIMIT_S) -> Ask:
    """An `Ask` that starts the process, tells `progress` of it, and ends it when somebody interrupts or at `limit_s`.

    The `Ask` raises:
        WeightsError: no answer in time, or the process died of the weights.
        Interrupted: somebody asked to stop.
    """

    def ask(arguments: Sequence[str]) -> str:
        progress.step(f"opening the weights of {arguments[0]} (some seconds; a minute the first time)")
        return _answer([sys.executable, "-m", _VERDICT, *arguments], interruption, limit_s)

    return ask


def _answer(command: list[str], interruption: Interruption, limit_s: float) -> str:
    deadline_s = time.monotonic() + limit_s
    with subprocess.Popen(
        command, cwd=PROJECT_ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            while time.monotonic() < deadline_s:
                try:
                    told, complaints = process.communicate(timeout=_POLL_S)
                except subprocess.TimeoutExpired:
                    interruption.check()
                else:
                    return told.decode(errors="replace") or _death(process.returncode, complaints)
        finally:
            if process.poll() is None:
                process.kill()
    raise WeightsError(f"could not be opened within {limit_s:g} s", "look what else this machine does")


def _death(code: int, complaints: bytes) -> str:
    """What a process that died without an answer would have said."""
    lines = complaints.decode(errors="replace").strip().splitlines()
    reason = f"the process that opened them ended with code {code}: {lines[-1] if lines else 'no reason given'}"
    return json.dumps({"ok": False, "reason": reason, "mend": "free memory, or fetch the file again"})


def _read(told: str) -> dict[str, Any]:
    """The last line: a library may print before it."""
    lines = told.strip().splitlines()
    try:
        verdict = json.loads(lines[-1] if lines else "")
    except ValueError:
        verdict = None
    return verdict if isinstance(verdict, dict) else {"ok": False, "reason": f"no verdict but {told[-200:]!r}"}


def _key(model: ModelSettings, runtime: str) -> str:
    versions = [(name, metadata.version(name)) for name in _JUDGES]
    content = json.dumps([model.model_dump(), runtime, versions], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _remember(file: Path, model: ModelSettings) -> None:
    """A memory that cannot be written is no fault of the weights: they are opened again next time."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{model.name} {model.sha256}\n", encoding="utf-8")
    except OSError:
        return
