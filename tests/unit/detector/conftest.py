"""The real weights, opened once for all tests of the detector."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cluster.settings.load import load_models
from cluster.settings.models import DetectorSettings, ModelSettings


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of this run's own: nothing lies in it from another version of the code."""
    before = os.environ.get("SAFE_YOLO_CACHE")
    os.environ["SAFE_YOLO_CACHE"] = str(folder := tmp_path_factory.mktemp("cache"))
    yield folder
    os.environ.pop("SAFE_YOLO_CACHE")
    if before is not None:
        os.environ["SAFE_YOLO_CACHE"] = before


@pytest.fixture(scope="session")
def entry() -> ModelSettings:
    return load_models().named("fall-s")


@pytest.fixture
def settings_for() -> Callable[..., DetectorSettings]:
    def make(**changes: object) -> DetectorSettings:
        return DetectorSettings.model_validate({"model": "fall-s", "confidence": 0.4, "image_size": 320, **changes})

    return make
