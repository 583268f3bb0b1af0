"""The command itself, as a person runs it: the whole site from `up` to `down`, and the demo to its Ctrl-C."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml
from counterparts.waiting import wait_for

from cluster.operation import process_tree
from cluster.operation.config_check import DEMO_CLIP
from cluster.operation.ports import free_port, is_free
from cluster.operation.ray_node import run_dir_of
from cluster.settings.base import PROJECT_ROOT, project_path

pytestmark = pytest.mark.timeout(590)


@dataclass
class CommandLine:
    """`safe-yolo` with state, data and ports of its own."""

    folder: Path
    page_port: int
    ray_port: int
    ports: list[str]

    @property
    def config(self) -> str:
        return str(self.folder / "serve.yaml")

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "SAFE_YOLO_STATE_DIR": str(self.folder / "state"), "PYTHONUNBUFFERED": "1"}

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        command = [str(Path(sys.executable).with_name("safe-yolo")), *arguments]
        return subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Exit code and everything that was printed."""
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=500)
        return process.returncode, output

    def leader(self) -> int:
        """Process id of the Ray that runs."""
        return int(json.loads((self.folder / "state/ray.json").read_text())["pid"])


@pytest.fixture
def command(tmp_path: Path) -> Iterator[CommandLine]:
    page, ray, dashboard, metrics = (free_port() for _ in range(4))
    ports = ["--ray-port", str(ray), "--dashboard-port", str(dashboard), "--metrics-port", str(metrics)]
    site = yaml.safe_load((PROJECT_ROOT / "configs/site.yaml").read_text(encoding="utf-8"))
    site["data_dir"] = str(tmp_path / "data")
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(site, allow_unicode=True), encoding="utf-8")
    serve = yaml.safe_load((PROJECT_ROOT / "serve_config.yaml").read_text(encoding="utf-8"))
    serve["http_options"]["port"] = page
    for application in serve["applications"]:
        if "site" in application["args"]:
            application["args"]["site"] = str(tmp_path / "site.yaml")
    command = CommandLine(tmp_path, page, ray, ports)
    Path(command.config).write_text(yaml.safe_dump(serve, allow_unicode=True), encoding="utf-8")
    yield command
    if (tmp_path / "state/ray.json").exists():  # a broken test
        command.run("down")
    shutil.rmtree(run_dir_of(ray), ignore_errors=True)


@pytest.fixture
def clip(demo_clip: Path) -> None:
    """The demo clip, where the demo itself looks for it."""
    path = project_path(DEMO_CLIP)
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        shutil.copy(demo_clip, path)


@pytest.mark.usefixtures("clip")
def test_up_makes_a_site_that_watches_and_down_leaves_no_process(command: CommandLine) -> None:
    code, output = command.run("up", "--config", command.config, *command.ports)
    assert (code, f"page           http://127.0.0.1:{command.page_port}/" in output) == (0, True), output

    assert httpx.get(f"http://127.0.0.1:{command.page_port}/health", trust_env=False).json()["status"] == "ok"
    status = wait_for("a site without a problem", lambda: _watching(command), 120.0, every_s=0.5)
    assert [camera["status"] for camera in status["cameras"]] == ["MONITORED"]
    assert {row["deployment"] for row in status["deployments"]} >= {
        "Detector",
        "CameraSupervisor",
        "Recorder",
        "Ingress",
    }
    assert [node["state"] for node in status["nodes"]] == ["ALIVE"]

    again, told = command.run("up", "--config", command.config, *command.ports)
    assert (again, "Ray runs already" in told) == (0, True), told

    started = process_tree.members(command.leader())
    assert command.run("down") == (0, "... stopping the applications and Ray\nstopped, no process is left\n")
    assert _alive(started) == []
    assert is_free(command.page_port)
    assert command.run("status") == (1, "error: no site runs here; start it with `safe-yolo up`\n")


def test_the_demo_tells_an_intrusion_and_ctrl_c_leaves_no_process(command: CommandLine) -> None:
    demo = command.start("demo", "--config", command.config, *command.ports)
    assert demo.stdout is not None
    told: list[str] = []
    for line in demo.stdout:
        told.append(line)
        if "DANGER_ZONE_INTRUSION" in line:
            break
    assert "DANGER_ZONE_INTRUSION" in told[-1], "".join(told)
    started = process_tree.members(command.leader())

    demo.send_signal(signal.SIGINT)
    rest, _ = demo.communicate(timeout=120)

    assert (demo.returncode, "stopped, no process is left" in rest) == (0, True), rest
    assert _alive(started) == []


def test_a_busy_port_is_one_line_before_anything_is_started(command: CommandLine) -> None:
    with subprocess.Popen([sys.executable, "-m", "http.server", str(command.page_port)]) as server:
        try:
            wait_for("a busy port", lambda: not is_free(command.page_port))
            code, output = command.run("demo", "--config", command.config, *command.ports)
        finally:
            server.kill()

    line = output.splitlines()[-1]
    assert (code, line.startswith(f"error: port {command.page_port} (the page) is busy: process {server.pid}")) == (
        3,
        True,
    ), output
    assert not (command.folder / "state/ray.json").exists()


def _watching(command: CommandLine) -> dict[str, Any]:
    """The status, once it has no problem left; an empty one before."""
    code, output = command.run("status", "--json")
    status: dict[str, Any] = json.loads(output)
    return status if code == 0 else {}


def _alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """A zombie has ended; that nobody has asked for its exit code yet is not our affair."""
    return [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
