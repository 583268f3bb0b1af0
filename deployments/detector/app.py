"""Builds the application `detector`; `serve_config.yaml` names `deployments.detector.app:build`."""

from typing import Any

from pydantic import Field
from ray.serve import Application

from cluster.settings.base import Settings
from cluster.settings.load import MODELS_FILE, load_models
from deployments.detector.detector import DetectorDeployment


class DetectorArgs(Settings):
    """What stands under `args` of the application; a change of it restarts the replicas."""

    release: str = Field(min_length=1)
    """Changed to roll out new code, which Ray would not notice otherwise."""
    models: str = MODELS_FILE


def build(args: DetectorArgs) -> Application:
    """The application.

    Raises:
        ConfigError: the models file is wrong; what runs goes on.
    """
    load_models(args.models)
    deployment: Any = DetectorDeployment  # Ray types it as its own decorator
    application: Application = deployment.bind(models=args.models)
    return application
