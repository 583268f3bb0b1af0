"""Fetches weights that Ultralytics publishes under a name of theirs (`yolo11n.pt`), once, into the cache.

Ultralytics' own download is switched off (see `ultralytics_quiet`), because it asks nobody and checks nothing.
"""

import hashlib
import os
import re
import urllib.error
import urllib.request
from pathlib import Path

from cluster.safety.errors import WeightsError
from deployments.detector.cache import locked

ASSETS_URL = "https://github.com/ultralytics/assets/releases/download/v8.4.0"
_OFFICIAL = re.compile(r"(yolo(v8|v9|v10|11|12|26)[a-z0-9-]*|rtdetr-[lx])\.pt")
_READ_TIMEOUT_S = 30
_LOCK_TIMEOUT_S = 600
_CHUNK_BYTES = 1 << 20
_MAX_BYTES = 1 << 30


def is_official_name(name: str) -> bool:
    """Whether `name` is written as Ultralytics writes its published detection weights, without a folder."""
    return _OFFICIAL.fullmatch(name) is not None


def fetch(name: str, folder: Path, sha256: str, *, base_url: str = ASSETS_URL) -> Path:
    """The file `name` in `folder`, fetched from `base_url` if it is not there; only with this sha256 does it get in.

    Raises:
        WeightsError: no connection, no such file, or another sha256.
    """
    target = folder / name
    with locked(target, timeout_s=_LOCK_TIMEOUT_S):
        if not target.exists():
            _fetch(f"{base_url}/{name}", target, sha256)
    return target


def _fetch(url: str, target: Path, sha256: str) -> None:
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        found = _copy(url, partial)
        if found != sha256:
            raise WeightsError(f"{url}: has sha256 {found}, expected {sha256}", "correct configs/models.yaml")
        partial.replace(target)
    except (OSError, urllib.error.URLError) as error:
        reason = getattr(error, "reason", None) or error
        raise WeightsError(f"{url}: cannot be fetched: {reason}", f"put the file at {target}") from error
    finally:
        partial.unlink(missing_ok=True)


def _copy(url: str, partial: Path) -> str:
    """Copies to `partial` and gives the sha256 of what was copied."""
    digest, size = hashlib.sha256(), 0
    with urllib.request.urlopen(url, timeout=_READ_TIMEOUT_S) as answer, partial.open("wb") as out:  # noqa: S310
        while chunk := answer.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > _MAX_BYTES:
                raise OSError(f"is larger than {_MAX_BYTES} bytes")
            digest.update(chunk)
            out.write(chunk)
    return digest.hexdigest()
