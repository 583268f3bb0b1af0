"""Builds the application `cameras`."""

from typing import Any

import ray.serve
from ray.serve import Application

from cluster.settings.base import Settings
from cluster.settings.load import SITE_FILE, load_site
from deployments.cameras.notifier import Notifier
from deployments.cameras.recorder import Recorder
from deployments.cameras.supervisor import CameraSupervisor
from deployments.shared_storage import actor_options


class CamerasArguments(Settings):
    """`args` of the application in serve_config.yaml. A new `release` rolls the code."""

    release: str
    site: str = SITE_FILE


def build(arguments: CamerasArguments) -> Application:
    """The application; CameraSupervisor gets the handle of the Recorder, which gets that of the Notifier.

    Raises:
        ConfigError: the site's file cannot be used; what runs goes on.
    """
    options = actor_options(load_site(arguments.site))
    # Two Notifiers or supervisors at a time are of no use: the old one stops before the new one starts.
    alone: dict[str, Any] = {"ray_actor_options": options, "max_surge_percent": 0}
    notifier: Any = ray.serve.deployment(Notifier, name="Notifier", **alone)
    recorder: Any = ray.serve.deployment(Recorder, name="Recorder", ray_actor_options=options)
    supervisor: Any = ray.serve.deployment(CameraSupervisor, name="CameraSupervisor", **alone)
    writes = recorder.bind(arguments.site, notifier.bind(arguments.site))
    application: Application = supervisor.bind(arguments.site, writes, arguments.release)
    return application
