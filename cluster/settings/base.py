"""Base of every settings model, and the places that everything else is relative to."""

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict

PROJECT_ROOT = Path(os.environ.get("SAFE_YOLO_ROOT", Path(__file__).resolve().parents[2]))
"""Where `configs/` lies. An editable install and the image need no variable; a wheel does."""
CACHE_VARIABLE = "SAFE_YOLO_CACHE"
_DEFAULT_CACHE = ".safe-yolo/cache"
DATA_VARIABLE = "SAFE_YOLO_DATA_DIR"


class Settings(BaseModel):
    """Frozen, and refuses keys that it does not know. Units stand in the names."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def project_path(path: str | Path) -> Path:
    """`path`, relative ones taken from the project's root, so that every process means the same file."""
    return PROJECT_ROOT / Path(path).expanduser()


def cache_folder() -> Path:
    """Where exports, fetched weights and verdicts on them lie; `SAFE_YOLO_CACHE` moves it."""
    return project_path(os.environ.get(CACHE_VARIABLE) or _DEFAULT_CACHE)


def data_folder(configured: Path) -> Path:
    """Where this node keeps its data: `SAFE_YOLO_DATA_DIR` of the node, or else `data_dir` of the site.

    A site's settings travel from node to node, a disk does not.
    """
    own = os.environ.get(DATA_VARIABLE)
    return project_path(own) if own else configured
