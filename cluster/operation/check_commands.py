"""`safe-yolo cameras check`, `config check` and `doctor`: they look, say what to mend, and change nothing."""

import sys
from importlib import metadata
from typing import Annotated

import typer

from cluster.operation import machine, ray_state
from cluster.operation.doctor import Probes, real_gpus
from cluster.operation.doctor import examine as examine_machine
from cluster.operation.examination import examine_config, probe_quietly
from cluster.operation.findings import has_errors
from cluster.operation.interruption import Interruption
from cluster.operation.options import DEFAULT_PORTS, AsJson, Config, DashboardPort, MetricsPort, RayPort, exit_unless
from cluster.operation.ports import NodePorts, is_free
from cluster.operation.printing import err, out, say, show_findings, show_json, source_line
from cluster.operation.serve_file import SERVE_FILE, load_serve_file

cameras_app = typer.Typer(help="Look at camera sources.", no_args_is_help=True)
config_app = typer.Typer(help="Look at the configuration.", no_args_is_help=True)


@cameras_app.command("check")
def cameras_check(
    names: Annotated[list[str], typer.Argument(metavar="ID_OR_SOURCE...", help="Camera ids, or addresses and files.")],
    config: Config = SERVE_FILE,
    as_json: AsJson = False,
) -> None:
    """Open sources; print size, fps and codec, or the reason why there is no picture. Exit code 1: one has none."""
    from cluster.operation.source_check import camera_called, check_source

    declared = load_serve_file(config).cameras.cameras
    wanted = [camera_called(name, declared) for name in names]
    results = [check_source(camera, probe_quietly) for camera in wanted]
    if as_json:
        show_json(results)
    else:
        for result in results:
            say(source_line(result))
    exit_unless(all(result["ok"] for result in results), 1)


@config_app.command("check")
def config_check_command(config: Config = SERVE_FILE, as_json: AsJson = False) -> None:
    """Check the YAML files, weights, variables and sources. Exit code 2: something is wrong.

    Weights are opened, which takes some seconds the first time; video files are too, cameras are not.
    """
    with Interruption() as interruption:
        _, findings = examine_config(config, err if as_json else out, interruption)
    show_findings(findings, as_json)
    exit_unless(not has_errors(findings), 2)


def doctor(
    config: Config = SERVE_FILE,
    as_json: AsJson = False,
    ray_port: RayPort = DEFAULT_PORTS.ray,
    dashboard_port: DashboardPort = DEFAULT_PORTS.dashboard,
    metrics_port: MetricsPort = DEFAULT_PORTS.metrics,
) -> None:
    """Check Python, Ray, GPU, ports, disk, database, weights; say the mend. Exit code 3: something is missing."""
    from cluster.operation.database import describe

    with Interruption() as interruption:
        serve, findings = examine_config(config, err if as_json else out, interruption)
    probes = Probes(
        python=(sys.version_info.major, sys.version_info.minor),
        version_of=metadata.version,
        gpus=real_gpus,
        resources=lambda: machine.resources_of(ray_state.state_dir()),
        port_is_free=is_free,
        database=describe,
        site=ray_state.load(),
    )
    found = examine_machine(probes, NodePorts(ray_port, dashboard_port, metrics_port), serve, findings)
    show_findings(found, as_json)
    exit_unless(not has_errors(found), 3)
