"""`config check` as it is run: weights opened by a process that has torch, video files by OpenCV."""

import os
from typing import Any

from rich.console import Console

from cluster.operation.config_check import check_config
from cluster.operation.findings import Finding
from cluster.operation.interruption import Interruption
from cluster.operation.progress import Progress
from cluster.operation.serve_file import ServeFile
from cluster.operation.weights_verdict import WeightsVerdicts, asked_of_a_process
from cluster.settings.cameras import CameraSettings


def examine_config(
    path: str, console: Console, interruption: Interruption, *, demo_clip_follows: bool = False
) -> tuple[ServeFile | None, list[Finding]]:
    """What `check_config` gives, with its slow steps told on `console`.

    Raises:
        Interrupted: somebody asked to stop.
    """
    progress = Progress(console)
    prove = WeightsVerdicts(asked_of_a_process(progress, interruption)).prove
    try:
        return check_config(path, demo_clip_follows=demo_clip_follows, prove=prove, probe=probe_quietly)
    finally:
        progress.close()


def probe_quietly(camera: CameraSettings) -> Any:
    """The facts of the source of `camera`, which is opened; as `cluster.camera.opening.probe`."""
    # OpenCV's own lines would stand between ours. Read when it is imported.
    os.environ.update(OPENCV_LOG_LEVEL="SILENT", OPENCV_FFMPEG_LOGLEVEL="-8")
    from cluster.camera.opening import probe  # commands that open nothing start faster without

    return probe(camera)
