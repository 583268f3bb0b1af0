"""The OpenVINO export of .pt weights: made once, kept by sha256, never made by two replicas together.

On a CPU it is two to three times as fast as the same weights in torch, and its boxes agree to the pixel.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import structlog

from cluster.safety.errors import WeightsError
from cluster.settings.base import cache_folder
from deployments.detector.cache import locked
from deployments.detector.ultralytics_quiet import quieten
from deployments.detector.weights import OPENVINO_SUFFIX

EXPORT_TIMEOUT_S = 300.0
"""How long one replica waits for the export of another."""

_LONGEST_REASON = 160

Exporter = Callable[[Path], Path]
"""Exports the weights file it is given, writes beside it, and says where."""

log = structlog.get_logger()


def openvino_export(weights: Path, sha256: str, *, export: Exporter | None = None, folder: Path | None = None) -> Path:
    """The folder with the OpenVINO export of `weights`, whose digest was checked to be `sha256`.

    Raises:
        WeightsError: Ultralytics cannot export them, or the cache cannot be written.
    """
    target = (folder or cache_folder() / "openvino") / _export_name(sha256)
    if not target.is_dir():
        with locked(target, timeout_s=EXPORT_TIMEOUT_S):
            if not target.is_dir():  # another replica may have made it while this one waited
                _make(weights, target, export or _export_with_ultralytics)
    return target


def _export_name(sha256: str) -> str:
    """An export belongs to the weights and to the two programs that made it and will read it."""
    versions = f"u{version('ultralytics')}-ov{version('openvino')}"
    return re.sub(r"[^\w.-]", "_", f"{sha256[:32]}-{versions}") + OPENVINO_SUFFIX


def _make(weights: Path, target: Path, export: Exporter) -> None:
    """Export in a folder of its own and rename: the target is whole or not there, whenever the process dies."""
    log.info("openvino_export_started", weights=str(weights), target=str(target))
    try:
        _sweep(target)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as scratch:
            # Ultralytics writes beside the weights, and those may lie in site-packages.
            copy = Path(scratch) / "model.pt"
            shutil.copyfile(weights, copy)
            made = _exported(export, copy, weights)
            _sync(made)
            made.rename(target)
    except OSError as error:
        raise WeightsError(
            f"{target}: cannot be written: {error.strerror or error}", "free disk space, or set SAFE_YOLO_CACHE"
        ) from error
    log.info("openvino_export_made", target=str(target))


def _sweep(target: Path) -> None:
    """Remove what a process that died while exporting left behind; the lock is ours, so nobody works in it."""
    for scratch in target.parent.glob(f".{target.name}.*"):
        if scratch.is_dir():
            shutil.rmtree(scratch, ignore_errors=True)


def _sync(folder: Path) -> None:
    for file in folder.iterdir():
        with file.open("rb") as stream:
            os.fsync(stream.fileno())


def _exported(export: Exporter, copy: Path, weights: Path) -> Path:
    """What `export` made of the copy; its errors name the weights that a person knows."""
    try:
        return export(copy)
    except OSError:
        raise
    except Exception as error:  # border of a foreign library: whatever it raises is one verdict on the weights
        text = (
            (str(error).splitlines() or [""])[0]
            .removeprefix("ERROR \u274c\ufe0f ")
            .replace(str(copy), "the file")[:_LONGEST_REASON]
        )
        raise WeightsError(
            f"{weights}: cannot be exported to OpenVINO: {type(error).__name__}: {text}",
            "fetch the file again; if it is whole, set runtime: torch",
        ) from error


def _export_with_ultralytics(weights: Path) -> Path:
    quieten()
    from ultralytics.models import YOLO  # heavy, and imported only once it was told to stay offline

    return Path(YOLO(str(weights), task="detect").export(format="openvino", dynamic=True, device="cpu"))
