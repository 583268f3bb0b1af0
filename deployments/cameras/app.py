"""Builds the application `cameras`."""

from typing import Any

import ray.serve
from ray.serve import Application

from cluster.settings.base import Settings
from cluster.settings.load import SITE_FILE
from deployments.cameras.recorder import Recorder
from deployments.cameras.supervisor import CameraSupervisor


class CamerasArguments(Settings):
    """`args` of the application in serve_config.yaml. A new `release` rolls the code."""

    release: str
    site: str = SITE_FILE


def build(arguments: CamerasArguments) -> Application:
    """The application; CameraSupervisor gets the handle of the Recorder."""
    recorder: Any = ray.serve.deployment(Recorder, name="Recorder")
    # Two supervisors at a time are of no use: the old one stops before the new one starts.
    supervisor: Any = ray.serve.deployment(CameraSupervisor, name="CameraSupervisor", max_surge_percent=0)
    application: Application = supervisor.bind(arguments.site, recorder.bind(arguments.site), arguments.release)
    return application
