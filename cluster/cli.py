"""The command `safe-yolo`: what a person types, onto what `cluster.operation` does."""

import os
import sys
from typing import Annotated, Any

import typer
from typer._click.exceptions import ClickException, NoArgsIsHelpError  # typer carries its own click, and is pinned

from cluster.operation import config_check, machine, ray_state, site
from cluster.operation.check_commands import cameras_app, config_app, doctor
from cluster.operation.demo import ensure_clip, follow
from cluster.operation.detection_command import detection_app
from cluster.operation.examination import examine_config
from cluster.operation.findings import Level, has_errors
from cluster.operation.interruption import Interruption
from cluster.operation.logs_command import logs, shown_logs, stay
from cluster.operation.mute_command import mute_app
from cluster.operation.notify_command import notify_app
from cluster.operation.options import DEFAULT_PORTS, AsJson, Config, DashboardPort, MetricsPort, RayPort, exit_unless
from cluster.operation.ports import NodePorts
from cluster.operation.printing import complain, finding_line, out, say, show_json
from cluster.operation.progress import Progress
from cluster.operation.serve_file import SERVE_FILE, ServeFile
from cluster.operation.users_command import nobody_may_sign_in, users_app
from cluster.safety.errors import ConfigError, Interrupted, MachineUnfit, SafeYoloError, SiteUnhealthy
from cluster.settings.base import project_path
from cluster.telemetry.logs import configure_logs, flush_logs

EXIT_CODES: dict[type[SafeYoloError], int] = {ConfigError: 2, MachineUnfit: 3, SiteUnhealthy: 1, Interrupted: 130}
_EPILOG = (
    "Exit codes: 0 all is well; 1 what was looked at is not (a camera is blind, a deployment failed, nothing runs); "
    "2 wrong usage or configuration; 3 the machine lacks something (a busy port, a foreign Ray, disk, memory); "
    "130 stopped by a signal. Every error is one line on stderr."
)

app = typer.Typer(
    name="safe-yolo",
    help="Watches the cameras of an industrial site and raises safety events. One Ray cluster, one command.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(cameras_app, name="cameras")
app.add_typer(config_app, name="config")
app.add_typer(detection_app, name="detection")
app.add_typer(notify_app, name="notify")
app.add_typer(mute_app, name="mute")
app.add_typer(users_app, name="users")


@app.command()
def up(
    config: Config = SERVE_FILE,
    ray_port: RayPort = DEFAULT_PORTS.ray,
    dashboard_port: DashboardPort = DEFAULT_PORTS.dashboard,
    metrics_port: MetricsPort = DEFAULT_PORTS.metrics,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay, print all log lines, and stop the site at a signal.")
    ] = False,
) -> None:
    """Start Ray if it does not run, roll the site out, wait until it watches, print where it is.

    Running it again rolls a changed configuration out.
    """
    ports = NodePorts(ray_port, dashboard_port, metrics_port)
    with Interruption() as interruption:
        serve = _checked(config, interruption)
        if not foreground:
            _bring_up(serve, ports, interruption)
            return
        with shown_logs(site.logs_of(serve)):
            _stay_up(serve, ports, interruption)


@app.command()
def down() -> None:
    """Stop the site and the Ray that `up` started, and see that no process is left."""
    with Interruption() as interruption:
        if not site.take_down(Progress(out), interruption):
            say("nothing runs")


@app.command()
def demo(
    config: Config = SERVE_FILE,
    ray_port: RayPort = DEFAULT_PORTS.ray,
    dashboard_port: DashboardPort = DEFAULT_PORTS.dashboard,
    metrics_port: MetricsPort = DEFAULT_PORTS.metrics,
    exit_after_event: Annotated[str, typer.Option(help="End after the first event of this type, for tests.")] = "",
) -> None:
    """Make a clip of people who walk into a zone, run the site on it, tell its events; Ctrl-C ends it all.

    A second Ctrl-C hurries.
    """
    from cluster.camera.demo_clip import make_demo_clip  # OpenCV; other commands start faster without

    ports = NodePorts(ray_port, dashboard_port, metrics_port)
    progress = Progress(out)
    with Interruption() as interruption:
        serve = _checked(config, interruption, demo_clip_follows=True)
        if ray_state.load() is not None:  # the end of the demo would stop it
            raise MachineUnfit("a site of this checkout runs already", "run `safe-yolo down` first")
        machine.check_machine(ray_state.state_dir(), ports, serve.port)
        try:
            ensure_clip(project_path(config_check.DEMO_CLIP), make_demo_clip, progress, interruption)
            running = _bring_up(serve, ports, interruption)
            say("events follow; Ctrl-C ends the demo")
            follow(_site_api(running), running.page, say, interruption, exit_after_event=exit_after_event)
        except Interrupted:
            pass  # somebody had enough: that is how a demo ends
        finally:
            progress.close()
            site.take_down(Progress(out), interruption)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Cameras with status, fps and age of the last inference; replicas; nodes. Exit code 1: something is not well."""
    from cluster.operation.dashboard import Dashboard
    from cluster.operation.site_status import read_status, tables

    state = ray_state.load()
    if state is None or not state.page:
        raise SiteUnhealthy("no site runs here", "start it with `safe-yolo up`")
    found = read_status(state.page, state.dashboard, _site_api(state), Dashboard(state.dashboard))
    show_json(found.as_json()) if as_json else out.print(tables(found))
    exit_unless(not found.problems, 1)


app.command("logs")(logs)
app.command("doctor")(doctor)


def main() -> None:
    """The entry point: exits with the code that `--help` explains."""
    # What a person reads goes to the terminal by `say`; what libraries log goes into a file, as everywhere.
    configure_logs("cli", stdout=False)
    code = run(sys.argv[1:])
    flush_logs()
    sys.stdout.flush()
    sys.stderr.flush()
    # At once: a reader that hangs inside OpenCV aborts the process when Python unwinds it, with exit code 134.
    os._exit(code)


def run(arguments: list[str]) -> int:
    """Run one command; its exit code. Every error becomes one line on stderr."""
    try:
        return int(app(arguments, prog_name="safe-yolo", standalone_mode=False) or 0)
    except SafeYoloError as error:
        return _failed(str(error), next(code for kind, code in EXIT_CODES.items() if isinstance(error, kind)))
    except NoArgsIsHelpError as error:
        error.show()
        return 2
    except ClickException as error:
        return _failed(error.format_message(), 2)
    except (KeyboardInterrupt, typer.Abort):
        return _failed("stopped by a signal", 130)


def _checked(path: str, interruption: Interruption, *, demo_clip_follows: bool = False) -> ServeFile:
    """The configuration, or exit code 2 with a line for each fault: nothing is started on a wrong one."""
    serve, findings = examine_config(path, out, interruption, demo_clip_follows=demo_clip_follows)
    for finding in findings:
        if finding.level is not Level.OK:
            complain(f"{finding.level}: {finding_line(finding)}")
    if serve is None or has_errors(findings):
        raise typer.Exit(2)
    return serve


def _bring_up(serve: ServeFile, ports: NodePorts, interruption: Interruption) -> ray_state.RayState:
    from cluster.operation.database import migrate

    progress = Progress(out)
    try:
        running = site.bring_up(serve, ports, progress, interruption, migrate=migrate)
    finally:
        progress.close()
    for line in running.blind:
        complain(f"warning: camera {line}")
    say(f"page           {running.state.page}")
    if nobody_may_sign_in(serve.site_file):
        complain("warning: nobody may sign in yet; run `safe-yolo users add NAME --role admin`")
    say(f"Ray dashboard  {running.state.dashboard} (asks for the token that `ray get-auth-token` prints)")
    return running.state


def _stay_up(serve: ServeFile, ports: NodePorts, interruption: Interruption) -> None:
    """The site runs as long as this process: what a container does."""
    try:
        _bring_up(serve, ports, interruption)
        stay(interruption)
    except Interrupted:
        pass  # stopped while it came up: that is how it ends
    finally:
        site.take_down(Progress(out), interruption)


def _site_api(running: ray_state.RayState) -> Any:
    from cluster.operation.command_token import token_for_config
    from cluster.operation.site_api import SiteApi

    return SiteApi(running.page, token_for_config(running.config))


def _failed(line: str, code: int) -> int:
    complain(f"error: {line}")
    return code
