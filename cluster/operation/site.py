"""Brings the site up on this machine, and takes it down again."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cluster.operation import machine, ray_node, ray_state, rollout
from cluster.operation.command_token import command_token
from cluster.operation.dashboard import Dashboard
from cluster.operation.interruption import Interruption
from cluster.operation.ports import NodePorts
from cluster.operation.progress import Progress
from cluster.operation.ray_state import RayState
from cluster.operation.serve_file import ServeFile
from cluster.operation.site_api import SiteApi
from cluster.operation.site_status import camera_line, watches
from cluster.safety.errors import MachineUnfit
from cluster.settings.load import load_site
from cluster.settings.log_files import log_folder

Migrate = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RunningSite:
    """A site that was brought up, and the cameras as they were at that moment."""

    state: RayState
    cameras: list[dict[str, Any]]

    @property
    def blind(self) -> list[str]:
        """A line for each camera that does not watch, and ought to."""
        return [camera_line(camera) for camera in self.cameras if not watches(camera)]


def bring_up(
    serve: ServeFile,
    ports: NodePorts,
    progress: Progress,
    interruption: Interruption,
    *,
    migrate: Migrate,
    settle_limit_s: float = rollout.SETTLE_LIMIT_S,
) -> RunningSite:
    """Start Ray if this checkout's does not run, deploy `serve`, wait until the cameras watch.

    Raises:
        MachineUnfit: the machine lacks something; nothing of ours was started, or what was started is gone.
        SiteUnhealthy: Ray runs, the site does not; `take_down` ends it.
        Interrupted: somebody asked to stop; what was started still runs.
    """
    with ray_state.only_one():
        state = _ray(serve, ports, progress, interruption)
        progress.step("bringing the database up to date")
        migrate(serve.site_file)
        dashboard = Dashboard(state.dashboard)
        progress.step("handing the applications to Ray Serve")
        dashboard.deploy(serve.content)
        state = replace(state, page=serve.page, config=serve.path)
        ray_state.save(state)
        names = [str(application["name"]) for application in serve.content["applications"]]
        rollout.wait_until_running(dashboard, names, progress.step, interruption)
        progress.done(f"applications run: {', '.join(names)}")
    api = SiteApi(state.page, command_token(serve.site_file))
    cameras = rollout.wait_until_watching(api, progress.step, interruption, limit_s=settle_limit_s)
    return RunningSite(state, cameras)


def logs_of(serve: ServeFile) -> Path:
    """Where the processes of this site keep their log files on this node."""
    return log_folder(load_site(serve.site_file).data_dir)


def take_down(progress: Progress, interruption: Interruption) -> bool:
    """Stop what `bring_up` started. False: nothing ran.

    Raises:
        MachineUnfit: another safe-yolo is at it, or processes are left that cannot be ended.
    """
    with ray_state.only_one():
        state = ray_state.load()
        if state is None:
            return _clear_left_over(progress, interruption)
        progress.step("stopping the applications and Ray")
        ray_node.stop(state, interruption)
        progress.done("stopped, no process is left")
        return True


def _ray(serve: ServeFile, ports: NodePorts, progress: Progress, interruption: Interruption) -> RayState:
    state = ray_state.load()
    if state is None:
        _clear_left_over(progress, interruption)
        return _started(serve, ports, progress, interruption)
    if state.page and state.page != serve.page:
        raise MachineUnfit(
            f"the site that runs serves {state.page}, {serve.path} says {serve.page}; a running Serve keeps its port",
            "run `safe-yolo down` first",
        )
    progress.done(f"Ray runs already at {state.address}")
    return state


def _clear_left_over(progress: Progress, interruption: Interruption) -> bool:
    """End what a Ray whose first process died (out of memory, a kill) has left behind. False: nothing."""
    state = ray_state.last()
    if state is None or not state.left_over:
        ray_state.forget()
        return False
    ray_node.stop(state, interruption, gently=False)
    progress.done("ended what was left of a Ray that died")
    return True


def _started(serve: ServeFile, ports: NodePorts, progress: Progress, interruption: Interruption) -> RayState:
    found = machine.check_machine(ray_state.state_dir(), ports, serve.port)
    progress.step("starting Ray")
    state = ray_node.start(
        ports,
        cpus=max(os.cpu_count() or 1, serve.cpus),
        object_store_bytes=machine.object_store_bytes(found),
        interruption=interruption,
        logs=logs_of(serve),
    )
    progress.done(f"Ray runs at {state.address}")
    return state
