"""Weights that proved themselves, kept by digest: a bad file at the same path cannot take the good one away."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import structlog

from cluster.safety.errors import WeightsError
from cluster.settings.base import cache_folder
from cluster.settings.models import ModelSettings
from deployments.detector.cache import locked
from deployments.detector.weights import hashed_file, sha256_of

KEPT = 4
"""Weights have 6 to 140 MB; more than are remembered is never asked for."""
_LOCK_TIMEOUT_S = 60.0

log = structlog.get_logger()


class ProvedWeights:
    """Copies in `folder`, one folder for each digest with the file, or the OpenVINO folder, under its own name."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or cache_folder() / "proved"

    def keep(self, weights: Path, sha256: str) -> None:
        """Keep what lies at `weights`, whose digest was checked. Raises nothing: it serves whether kept or not."""
        home = self._folder / sha256
        try:
            with locked(home, timeout_s=_LOCK_TIMEOUT_S):
                if self.find(sha256) is None:
                    self._copy(weights, home)
                os.utime(home)
                self._forget_the_oldest()
        except (OSError, WeightsError) as error:
            log.warning("proved_weights_not_kept", weights=str(weights), reason=str(error))

    def find(self, sha256: str) -> Path | None:
        """The weights with this digest, checked anew; None if there are none or they went bad on the disk."""
        for path in self._inside(self._folder / sha256):
            try:
                if sha256_of(hashed_file(path)) == sha256:
                    return path
            except WeightsError:
                continue
        return None

    def instead_of(self, model: ModelSettings) -> ModelSettings | None:
        """The entry `model` with the kept weights of its digest; None if there are none."""
        path = self.find(model.sha256)
        return model.model_copy(update={"weights": str(path)}) if path else None

    def _copy(self, weights: Path, home: Path) -> None:
        """A copy and not a hard link: a link would share the bytes with a file that somebody writes into."""
        scratch = home.with_name(f".{home.name}.part")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        try:
            if weights.is_dir():
                shutil.copytree(weights, scratch / weights.name)
            else:
                shutil.copyfile(weights, scratch / weights.name)
            _sync(scratch)
            shutil.rmtree(home, ignore_errors=True)
            scratch.rename(home)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _inside(self, home: Path) -> Iterator[Path]:
        if home.is_dir():
            yield from home.iterdir()

    def _forget_the_oldest(self) -> None:
        homes = [path for path in self._folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
        homes.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for home in homes[KEPT:]:
            shutil.rmtree(home, ignore_errors=True)


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
