"""The one-node Ray of this checkout: started in a session of its own, stopped by process id."""

import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil

from cluster.operation import haproxy, process_tree, ray_economy, ray_state
from cluster.operation.dashboard import Dashboard
from cluster.operation.interruption import Interruption
from cluster.operation.ports import LOOPBACK, NodePorts, free_port
from cluster.operation.ray_state import RayState
from cluster.operation.ray_token import ensure_token
from cluster.operation.root_line import root_line
from cluster.safety.errors import MachineUnfit, SafeYoloError
from cluster.settings.base import PROJECT_ROOT
from cluster.settings.log_files import LOG_VARIABLE, log_folder

START_LIMIT_S = 120.0
SERVE_STOP_LIMIT_S = 60.0
"""Longer than the deployments' own `graceful_shutdown_timeout_s` together."""
RAY_STOP_LIMIT_S = 20.0
_POLL_S = 0.5
_LOG = "ray-start.log"


def start(
    ports: NodePorts,
    *,
    cpus: int,
    object_store_bytes: int,
    interruption: Interruption,
    logs: Path | None = None,
    limit_s: float = START_LIMIT_S,
) -> RayState:
    """Start Ray and wait until its dashboard answers. `logs`: where its workers keep their log files.

    Raises:
        MachineUnfit: Ray ended or did not answer in time; nothing of it is left.
        Interrupted: somebody asked to stop; nothing of it is left.
    """
    ensure_token()
    ports = replace(ports, agent=ports.agent or free_port(), client=ports.client or free_port())
    run_dir = _fresh_run_dir(ports.ray)
    logs = log_folder() if logs is None else logs
    process = _spawn(ports, run_dir, cpus, object_store_bytes, logs)
    state = RayState(
        pid=process.pid,
        created=psutil.Process(process.pid).create_time(),
        address=f"{LOOPBACK}:{ports.ray}",
        dashboard=f"http://{LOOPBACK}:{ports.dashboard}",
        run_dir=str(run_dir),
        logs=str(logs),
    )
    ray_state.save(state)
    try:
        _wait_until_it_answers(process, state, interruption, limit_s)
    except SafeYoloError:
        stop(state, interruption, gently=False)
        raise
    return state


def stop(state: RayState, interruption: Interruption, *, gently: bool = True) -> None:
    """Stop Serve, then Ray, then whatever of its processes is left. A second Ctrl-C skips the waiting.

    Raises:
        MachineUnfit: processes are left that even SIGKILL did not end.
    """
    if gently:
        _shut_serve_down(state, interruption)
    patience_s = RAY_STOP_LIMIT_S if gently and not interruption.hurrying.is_set() else 0.0
    left = process_tree.end(state.pid, patience_s)
    if left:
        raise MachineUnfit(f"processes {', '.join(map(str, left))} of Ray could not be ended", "restart the machine")
    ray_state.forget()


def run_dir_of(port: int) -> Path:
    """The folder of Ray's log and sockets. Short, because the whole path of a socket may have 107 characters."""
    return Path(f"/tmp/safe-yolo-{os.getuid()}-{port}")  # noqa: S108 - checked to be ours in _fresh_run_dir


def _shut_serve_down(state: RayState, interruption: Interruption) -> None:
    """Bounded, and in a thread of its own so that a second Ctrl-C need not wait for the answer."""
    dashboard = Dashboard(state.dashboard)

    def ask() -> None:
        try:
            dashboard.shut_serve_down(SERVE_STOP_LIMIT_S)
        except SafeYoloError:
            return  # A Ray that does not answer is ended by its process ids.

    thread = threading.Thread(target=ask, name="shut-serve-down", daemon=True)
    thread.start()
    deadline = time.monotonic() + SERVE_STOP_LIMIT_S
    while thread.is_alive() and time.monotonic() < deadline and not interruption.hurrying.is_set():
        thread.join(0.2)


def _spawn(ports: NodePorts, run_dir: Path, cpus: int, object_store_bytes: int, logs: Path) -> subprocess.Popen[bytes]:
    options = {
        "port": ports.ray,
        "dashboard-host": LOOPBACK,
        "dashboard-port": ports.dashboard,
        "dashboard-agent-listen-port": ports.agent,
        "metrics-export-port": ports.metrics,
        "ray-client-server-port": ports.client,
        "temp-dir": run_dir / "ray",
        "num-cpus": cpus,
        "object-store-memory": object_store_bytes,
    }
    command = [_ray_program(), "start", "--head", "--block", "--disable-usage-stats", "--log-style=record"]
    command += [f"--{name}={value}" for name, value in options.items()] + list(ray_economy.START_OPTIONS)
    with (run_dir / _LOG).open("wb") as log:
        return subprocess.Popen(
            command,
            cwd=PROJECT_ROOT,
            env={**_environment(), **haproxy.environment(run_dir), LOG_VARIABLE: str(logs)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _environment() -> dict[str, str]:
    """This process's own, which the workers inherit (`${NAME}` in the YAML files), and what keeps Ray quiet."""
    return {
        # One place for all sessions, where Grafana is told to look (configs/grafana/provisioning).
        "RAY_METRICS_GRAFANA_DASHBOARD_OUTPUT_DIR": str(ray_state.state_dir() / "ray-dashboards"),
        **os.environ,
        **ray_economy.environment(),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "token",
        # On SIGTERM `ray start` waits until the node is idle. With cameras it never is, and Serve is down by then.
        "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",
        # Two clusters on one machine would quarrel about these ports.
        "AUTOSCALER_METRIC_PORT": str(free_port()),
        "DASHBOARD_METRIC_PORT": str(free_port()),
    }


def _ray_program() -> str:
    """The `ray` of the environment that runs this, never another one of the PATH."""
    beside = Path(sys.executable).with_name("ray")
    if not beside.exists():
        raise MachineUnfit(f"{beside} is missing", "run `make setup`")
    return str(beside)


def _fresh_run_dir(port: int) -> Path:
    """An empty folder that only this user can enter: /tmp is everybody's, and Ray opens its own folder to all.

    Logs of the run before are kept until this moment, for whoever wants to know why it ended.
    """
    folder = run_dir_of(port)
    if folder.is_symlink() or (folder.exists() and folder.stat().st_uid != os.getuid()):
        raise MachineUnfit(f"{folder} belongs to somebody else", "take another port with --ray-port")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _wait_until_it_answers(
    process: subprocess.Popen[bytes], state: RayState, interruption: Interruption, limit_s: float
) -> None:
    dashboard = Dashboard(state.dashboard)
    deadline = time.monotonic() + limit_s
    while not dashboard.answers():
        if process.poll() is not None:
            raise MachineUnfit(f"Ray ended while starting: {_last_words(state)}", f"see {state.run_dir}/{_LOG}")
        if time.monotonic() > deadline:
            raise MachineUnfit(f"Ray did not answer within {limit_s:g} s", f"see {state.run_dir}/{_LOG}")
        interruption.pause(_POLL_S)


def _last_words(state: RayState) -> str:
    try:
        return root_line((Path(state.run_dir) / _LOG).read_text(errors="replace"))
    except OSError:
        return "it left no log"
