"""Builds the application `cameras`."""

from typing import Any

import ray.serve
from ray.serve import Application

from cluster.settings.base import Settings
from cluster.settings.load import SITE_FILE, load_site
from deployments.cameras.recorder import Recorder
from deployments.cameras.supervisor import CameraSupervisor
from deployments.shared_storage import actor_options


class CamerasArguments(Settings):
    """`args` of the application in serve_config.yaml. A new `release` rolls the code."""

    release: str
    site: str = SITE_FILE


def build(arguments: CamerasArguments) -> Application:
    """The application; CameraSupervisor gets the handle of the Recorder.

    Raises:
        ConfigError: the site's file cannot be used; what runs goes on.
    """
    options = actor_options(load_site(arguments.site))
    recorder: Any = ray.serve.deployment(Recorder, name="Recorder", ray_actor_options=options)
    # Two supervisors at a time are of no use: the old one stops before the new one starts.
    supervisor: Any = ray.serve.deployment(
        CameraSupervisor, name="CameraSupervisor", max_surge_percent=0, ray_actor_options=options
    )
    application: Application = supervisor.bind(arguments.site, recorder.bind(arguments.site), arguments.release)
    return application
