"""`serve_config.yaml` as the command line needs it: typed, with the place of every fault."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from cluster.operation.detector_scaling import fraction_fault
from cluster.operation.ports import LOOPBACK
from cluster.safety.errors import ConfigError
from cluster.settings.base import project_path
from cluster.settings.cameras import CamerasSettings
from cluster.settings.load import SITE_FILE, parse, read_yaml
from cluster.settings.log_levels import LogSettings, without_logging
from cluster.settings.models import DetectorSettings

SERVE_FILE = "serve_config.yaml"
_DEFAULT_PORT = 8000
"""Serve's own, where the file names none."""
_WITHOUT_CPUS = frozenset({"CameraSupervisor", "Recorder", "Notifier", "Ingress"})
"""Deployments that reserve none unless the file says so (`deployments/shared_storage.py`)."""
_CPUS_A_CAMERA = 0.25
"""Logical CPUs that Ray must have for one camera; generous, since what is missing keeps an actor from starting."""


@dataclass(frozen=True, slots=True)
class ServeFile:
    """The file at `path`, checked.

    `keys` says where the typed parts stand in it, for messages: "cameras" and "detector" onto the key of their
    `user_config`. `content` goes to Ray as it is.
    """

    path: str
    content: dict[str, Any]
    cameras: CamerasSettings
    detector: DetectorSettings
    keys: dict[str, str]
    site_file: str
    port: int
    cpus: int
    """Logical CPUs that Ray must have so that everything can start."""

    @property
    def detector_deployment(self) -> dict[str, Any]:
        """The Detector as it stands in the file."""
        return next(deployment for _, deployment in _deployments(self.content) if deployment["name"] == "Detector")

    @property
    def page(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/"


def load_serve_file(path: str) -> ServeFile:
    """The file at `path`, relative to the current folder or else to the project's root.

    Raises:
        ConfigError: the first fault.
    """
    content = read_yaml(located(path))
    _check_shape(content, path)
    _check_fractions(content, path)
    supervisor = _user_config(content, path, "CameraSupervisor")
    detector = _user_config(content, path, "Detector")
    _check_logging(content, path)
    cameras = parse(CamerasSettings, without_logging(supervisor[1])[1], where=path, prefix=supervisor[0])
    return ServeFile(
        path=path,
        content=content,
        cameras=cameras,
        detector=parse(DetectorSettings, without_logging(detector[1])[1], where=path, prefix=detector[0]),
        keys={"cameras": supervisor[0], "detector": detector[0]},
        site_file=_site_file(content),
        port=int((content.get("http_options") or {}).get("port", _DEFAULT_PORT)),
        cpus=_cpus(content, len(cameras.cameras)),
    )


def located(path: str) -> Path:
    """Where `path` lies: a person means the current folder, the default means the project."""
    return Path(path).resolve() if Path(path).exists() else project_path(path)


def _check_shape(content: dict[str, Any], where: str) -> None:
    """Ray's own schema, and the unknown keys that it lets pass: a misspelt key would silently do nothing."""
    # Importing ray takes more than a second, and most commands do without.
    from ray.serve.schema import ServeDeploySchema

    try:
        ServeDeploySchema.model_validate(content)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        key = _joined(fault["loc"])
        value = "" if isinstance(fault["input"], dict | list | None) else repr(fault["input"])
        raise ConfigError(where, key, value, fault["msg"].removeprefix("Value error, ")) from error
    for key in _unknown_keys(content, ServeDeploySchema, ""):
        raise ConfigError(where, key, "", "unknown key")


def _check_fractions(content: dict[str, Any], where: str) -> None:
    """Ray takes any fraction of a GPU, and lets a replica wait for ever for one that no GPU has left."""
    for key, deployment in _deployments(content):
        num_gpus = (deployment.get("ray_actor_options") or {}).get("num_gpus") or 0
        if fault := fraction_fault(float(num_gpus)):
            raise ConfigError(where, f"{key}.ray_actor_options.num_gpus", repr(num_gpus), *fault)


def _check_logging(content: dict[str, Any], where: str) -> None:
    """While it runs, a wrong level is refused and said; here it stops the command like any other fault."""
    for key, deployment in _deployments(content):
        said, _ = without_logging(deployment.get("user_config"))
        parse(LogSettings, said, where=where, prefix=f"{key}.user_config.logging")


def _unknown_keys(content: Any, model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, value in content.items():
        key = f"{prefix}.{name}" if prefix else str(name)
        if name not in model.model_fields:
            yield key
        else:
            yield from _unknown_below(name, value, key)


def _unknown_below(name: str, value: Any, key: str) -> Iterator[str]:
    from ray.serve import config, schema

    lists: dict[str, Any] = {"applications": schema.ServeApplicationSchema, "deployments": schema.DeploymentSchema}
    mappings: dict[str, Any] = {
        "http_options": schema.HTTPOptionsSchema,
        "logging_config": schema.LoggingConfig,
        "ray_actor_options": schema.RayActorOptionsSchema,
        "autoscaling_config": config.AutoscalingConfig,
    }
    if name in lists and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown_keys(item, lists[name], f"{key}[{index}]")
    elif name in mappings and isinstance(value, dict):
        yield from _unknown_keys(value, mappings[name], key)


def _deployments(content: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for a, application in enumerate(content["applications"]):
        for d, deployment in enumerate(application.get("deployments") or []):
            yield f"applications[{a}].deployments[{d}]", deployment


def _user_config(content: dict[str, Any], where: str, name: str) -> tuple[str, Any]:
    """Key and value of the `user_config` of deployment `name`."""
    for key, deployment in _deployments(content):
        if deployment["name"] == name:
            return f"{key}.user_config", deployment.get("user_config") or {}
    raise ConfigError(where, "applications", "", f"no deployment is called {name}", "take it from the shipped file")


def _site_file(content: dict[str, Any]) -> str:
    for application in content["applications"]:
        if site := (application.get("args") or {}).get("site"):
            return str(site)
    return SITE_FILE


def _cpus(content: dict[str, Any], cameras: int) -> int:
    wanted = sum(_cpus_of(deployment) * _replicas(deployment) for _, deployment in _deployments(content))
    return math.ceil(wanted + _CPUS_A_CAMERA * cameras) + 1


def _cpus_of(deployment: dict[str, Any]) -> float:
    """Of one replica."""
    unsaid = 0 if deployment["name"] in _WITHOUT_CPUS else 1
    return float((deployment.get("ray_actor_options") or {}).get("num_cpus", unsaid))


def _replicas(deployment: dict[str, Any]) -> int:
    """As many as there may ever be."""
    autoscaling = deployment.get("autoscaling_config")
    if isinstance(autoscaling, dict):
        return int(autoscaling.get("max_replicas") or 1)
    replicas = deployment.get("num_replicas")
    return replicas if isinstance(replicas, int) else 1


def _joined(location: tuple[int | str, ...]) -> str:
    key = ""
    for part in location:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
    return key
