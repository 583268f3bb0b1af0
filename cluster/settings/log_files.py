"""Where a node keeps its log files, and how much of them: of the node like its disk, so by environment variables."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from cluster.settings.base import Settings, data_folder, project_path
from cluster.settings.load import parse

LOG_VARIABLE = "SAFE_YOLO_LOG_DIR"
_NUMBERS = {
    "SAFE_YOLO_LOG_FILE_BYTES": "file_bytes",
    "SAFE_YOLO_LOG_FILE_AGE_S": "file_age_s",
    "SAFE_YOLO_LOG_KEEP_BYTES": "keep_bytes",
    "SAFE_YOLO_LOG_KEEP_S": "keep_s",
}


class LogFileSettings(Settings):
    """Each process writes files of its own in `folder`; when one is full or old, the next begins."""

    folder: Path
    file_bytes: int = Field(8 * 1024 * 1024, ge=4096)
    file_age_s: float = Field(86_400.0, gt=0)
    keep_bytes: int = Field(1024 * 1024 * 1024, ge=4096)
    """Of all files of the node together; the oldest go first, never one that a process has open."""
    keep_s: float = Field(14 * 86_400.0, gt=0)
    """A file that nobody has written to for so long goes."""


def log_folder(configured_data: Path = Path(".safe-yolo/data"), environment: Mapping[str, str] = os.environ) -> Path:
    """`SAFE_YOLO_LOG_DIR`, or `logs/` in the node's data folder. `configured_data`: `data_dir` of the site."""
    own = environment.get(LOG_VARIABLE)
    return project_path(own) if own else data_folder(project_path(configured_data)) / "logs"


def log_files(environment: Mapping[str, str] = os.environ) -> LogFileSettings:
    """What the environment says.

    Raises:
        ConfigError: a number that is none, or out of bounds.
    """
    numbers = {key: environment[name] for name, key in _NUMBERS.items() if environment.get(name)}
    return parse(LogFileSettings, {"folder": log_folder(environment=environment), **numbers}, where="the environment")
