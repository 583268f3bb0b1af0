"""Starts the process that tries a source; it is ended in time, whatever the source does to it."""

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

import structlog

from cluster.camera.source_trial import failed
from cluster.settings.base import PROJECT_ROOT
from cluster.settings.cameras import CameraSettings
from cluster.settings.site import ApiCameraSettings

_log = structlog.get_logger()
_DEADLINE_S = 15.0
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "SAFE_YOLO_ROOT")
"""Of the environment: nothing in it that is a secret."""


class SourceTrial:
    """`Trial`: one call after the other, which its caller sees to."""

    def __init__(self, allowed: ApiCameraSettings, deadline_s: float = _DEADLINE_S) -> None:
        self._allowed, self._deadline_s = allowed, deadline_s

    async def __call__(self, camera: CameraSettings) -> dict[str, Any]:
        return await asyncio.to_thread(self._run, camera)

    def _run(self, camera: CameraSettings) -> dict[str, Any]:
        asked = {"camera": camera.model_dump(mode="json"), "allowed": self._allowed.model_dump(mode="json")}
        try:
            done = subprocess.run(
                [sys.executable, "-m", "cluster.camera.source_trial"],
                input=json.dumps(asked).encode(),
                capture_output=True,
                timeout=self._deadline_s,
                check=False,
                cwd=PROJECT_ROOT,
                env=_environment(),
            )
        except subprocess.TimeoutExpired:
            return failed("stalled", f"nothing came of it within {self._deadline_s:g} s", "see that the camera answers")
        return _answer(done.stdout, camera.camera_id)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _answer(output: bytes, camera_id: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(output.decode().splitlines()[-1])
    except (ValueError, IndexError):
        # What it said on stderr may hold the address.
        _log.warning("source_trial_failed", camera_id=camera_id)
        return failed(
            "error", "the process that opened it ended without an answer", "it sends no video that can be read"
        )
    return answer
