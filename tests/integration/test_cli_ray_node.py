"""A real one-node Ray of the command line: started, deployed on, told about, stopped without a trace."""

import os
import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest
from rich.console import Console

from cluster.operation import machine, process_tree, ray_node, ray_state
from cluster.operation.dashboard import Dashboard
from cluster.operation.interruption import Interruption
from cluster.operation.ports import NodePorts, free_port, is_free
from cluster.operation.progress import Progress
from cluster.operation.ray_state import RayState
from cluster.operation.rollout import wait_until_running
from cluster.operation.site import take_down
from cluster.operation.site_status import read_status
from cluster.safety.errors import Interrupted, MachineUnfit, SiteUnhealthy

pytestmark = pytest.mark.timeout(280)

_APPLICATION = """
    from ray import serve
    from starlette.requests import Request

    @serve.deployment(name="Echo", ray_actor_options={"num_cpus": 0})
    class Echo:
        def __init__(self, word: str) -> None:
            if not word:
                raise ValueError("a word is needed")
            self.word = word

        async def __call__(self, request: Request) -> str:
            return self.word

    def build(arguments: dict) -> serve.Application:
        return Echo.bind(arguments["word"])
"""


def _own_ports() -> Iterator[NodePorts]:
    """Ports that no other cluster of this machine uses; their folder goes with them."""
    ports = NodePorts(free_port(), free_port(), free_port())
    yield ports
    shutil.rmtree(ray_node.run_dir_of(ports.ray), ignore_errors=True)


ports = pytest.fixture(scope="module")(_own_ports)
own_ports = pytest.fixture(_own_ports)


@pytest.fixture
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAFE_YOLO_STATE_DIR", str(tmp_path))


@pytest.fixture(scope="module")
def node(ports: NodePorts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayState]:
    folder = tmp_path_factory.mktemp("node")
    (folder / "echo_application.py").write_text(textwrap.dedent(_APPLICATION))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAFE_YOLO_STATE_DIR", str(folder))
        patch.setenv("PYTHONPATH", str(folder))
        state = _start(ports)
        yield state
        ray_node.stop(state, Interruption())


def test_deploys_an_application_that_answers(node: RayState) -> None:
    port = free_port()
    dashboard = Dashboard(node.dashboard)

    dashboard.deploy(_config("hello", port))
    wait_until_running(dashboard, ["echo"], _quiet, Interruption(), limit_s=120)

    assert httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).text == "hello"


def test_tells_deployments_and_nodes(node: RayState) -> None:
    status = read_status("", node.dashboard, _NoSite(), Dashboard(node.dashboard))

    assert [row["state"] for row in status.nodes] == ["ALIVE"]
    assert status.nodes[0]["head"]
    assert status.nodes[0]["memory_total_gib"] > 0.5


def test_a_deployment_that_fails_is_told_with_its_reason(node: RayState) -> None:
    dashboard = Dashboard(node.dashboard)

    dashboard.deploy(_config("", free_port()))

    with pytest.raises(SiteUnhealthy) as raised:
        wait_until_running(dashboard, ["echo"], _quiet, Interruption(), limit_s=120)
    assert "application echo failed" in str(raised.value)
    assert "a word is needed" in str(raised.value)


def test_what_ray_refuses_is_told_in_one_line(node: RayState) -> None:
    with pytest.raises(SiteUnhealthy, match=r"^Ray refused the deployment: ") as raised:
        Dashboard(node.dashboard).deploy({"applications": [{"name": "nothing"}]})

    assert "\n" not in str(raised.value)


def test_another_ray_on_its_ports_is_refused_in_one_line(node: RayState, ports: NodePorts) -> None:
    with pytest.raises(MachineUnfit, match=f"port {ports.ray} \\(Ray\\) is busy: .* did not start seems to run"):
        machine.check_ports(ports.named())


@pytest.mark.usefixtures("own_state")
def test_stopping_leaves_no_process_and_no_busy_port(own_ports: NodePorts) -> None:
    state = _start(own_ports)
    started = process_tree.members(state.pid)
    assert len(started) > 5
    assert ray_state.load() == state

    ray_node.stop(state, Interruption())

    assert _alive(started) == []
    assert process_tree.members(state.pid) == []
    assert _mentioning(state.run_dir) == []
    assert [port for port in own_ports.named().values() if not is_free(port)] == []
    assert ray_state.load() is None


@pytest.mark.usefixtures("own_state")
def test_a_ray_whose_first_process_was_killed_is_still_stopped(own_ports: NodePorts) -> None:
    state = _start(own_ports)
    started = process_tree.members(state.pid)
    psutil.Process(state.pid).kill()
    psutil.Process(state.pid).wait()

    assert take_down(Progress(Console(quiet=True)), Interruption())

    _, alive = psutil.wait_procs(_alive(started), timeout=60)
    assert _alive(alive) == []
    assert ray_state.last() is None


@pytest.mark.usefixtures("own_state")
def test_a_request_to_stop_during_the_start_leaves_nothing(own_ports: NodePorts) -> None:
    interruption = Interruption()
    interruption.stopping.set()

    with pytest.raises(Interrupted):
        _start(own_ports, interruption)

    assert _mentioning(str(ray_node.run_dir_of(own_ports.ray))) == []
    assert ray_state.load() is None


@pytest.mark.usefixtures("own_state")
def test_a_ray_that_cannot_start_says_why(own_ports: NodePorts) -> None:
    with pytest.raises(MachineUnfit, match=r"Ray ended while starting: .*; see .*ray-start\.log"):
        ray_node.start(own_ports, cpus=2, object_store_bytes=1, interruption=Interruption())

    assert ray_state.load() is None


@pytest.mark.usefixtures("own_state")
def test_a_state_whose_process_id_belongs_to_another_process_is_not_ours() -> None:
    me = psutil.Process(os.getpid())
    state = RayState(pid=me.pid, created=me.create_time(), address="", dashboard="", run_dir="")

    ray_state.save(state)
    assert ray_state.load() == state

    stranger = replace(state, created=me.create_time() - 100)
    ray_state.save(stranger)
    assert ray_state.load() is None
    assert not stranger.left_over


class _NoSite:
    def health(self) -> dict[str, object]:
        return {"status": "ok"}

    def cameras(self) -> list[dict[str, object]]:
        return []


def _start(ports: NodePorts, interruption: Interruption | None = None) -> RayState:
    return ray_node.start(
        ports, cpus=2, object_store_bytes=100 * 1024**2, interruption=interruption or Interruption(), limit_s=200
    )


def _config(word: str, port: int) -> dict[str, object]:
    return {
        "proxy_location": "HeadOnly",
        "http_options": {"host": "127.0.0.1", "port": port},
        "applications": [
            {"name": "echo", "route_prefix": "/", "import_path": "echo_application:build", "args": {"word": word}}
        ],
    }


def _mentioning(folder: str) -> list[int]:
    """Processes whose command line names `folder`: Ray's own all do."""
    found = []
    for process in psutil.process_iter(["cmdline", "pid"]):
        if process.pid != os.getpid() and any(folder in word for word in process.info["cmdline"] or []):
            found.append(process.pid)
    return found


def _alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """A zombie has ended; that nobody has asked for its exit code yet is not our affair."""
    return [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def _quiet(_: str) -> None:
    return
