"""The Ingress behind HAProxy as Ray runs it, in front of a real (small) camera actor: wiring, death, and a rollout."""

import json
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import ray
from counterparts.own_processes import started_here, words_of
from counterparts.secrets_used import secret
from counterparts.waiting import wait_for
from ray import serve
from ray.serve.config import HTTPOptions, ProxyLocation
from ray.serve.context import _get_global_client
from ray.serve.schema import LoggingConfig, ServeDeploySchema
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from cluster.operation import haproxy
from cluster.safety.pictures import LivePicture
from cluster.safety.status import CameraReport, CameraStatus
from cluster.settings.load import load_site
from cluster.storage.schema import migrate

PATIENCE_S = 120
ENVIRONMENT = {
    "SECRET_KEY": secret("x" * 32),
    "SAFE_YOLO_ADMIN": "boss",
    "SAFE_YOLO_ADMIN_PASSWORD": secret("password of the boss"),
}
pytestmark = pytest.mark.timeout(400)  # starts a Ray and rolls a deployment
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import this file


class FakeSupervisor:
    async def reports(self) -> list[CameraReport]:
        return [CameraReport("gate-1", "Gate 1", CameraStatus.MONITORED, datetime.now(UTC), inference_age_s=0.1)]

    async def faults(self) -> list[str]:
        return []


@ray.remote(num_cpus=0)
class FakeCamera:
    """Gives a new picture at each question."""

    def __init__(self) -> None:
        self._sequence = 0

    async def picture(self, profile: str, epoch: int, sequence: int, timeout_s: float) -> LivePicture:
        self._sequence += 1
        now = datetime.now(UTC)
        return LivePicture("gate-1", 1, self._sequence, now, CameraStatus.MONITORED, "", 4, 4, profile.encode())


@pytest.fixture(scope="module")
def environment() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def address(environment: pytest.MonkeyPatch) -> Iterator[str]:
    """host:port of a proxy of this test's own."""
    folder = Path(tempfile.mkdtemp(prefix="sy-ing-", dir="/tmp"))  # a short path: sockets lie in it
    for name, enabled in (("site", "false"), ("signed", "true")):
        text = f"name: test\ndata_dir: {folder}/data\nsign_in: {{enabled: {enabled}}}\n"
        (folder / f"{name}.yaml").write_text(text)
    migrate(load_site(folder / "site.yaml"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, value in {**ENVIRONMENT, **haproxy.environment(folder)}.items():
        environment.setenv(name, value)
    ray.init(
        "local", num_cpus=4, include_dashboard=False, log_to_driver=False, namespace="safe-yolo-test",
        _temp_dir=str(folder / "ray"),
    )  # fmt: skip
    try:
        serve.start(
            proxy_location=ProxyLocation.HeadOnly,
            http_options=HTTPOptions(host="127.0.0.1", port=port),
            logging_config=LoggingConfig(enable_access_log=False),
        )
        supervisor = serve.deployment(FakeSupervisor, name="CameraSupervisor", ray_actor_options={"num_cpus": 0})
        serve.run(supervisor.bind(), name="cameras", route_prefix=None)
        deploy(str(folder / "site.yaml"), "1")
        until(lambda: answers(port))
        yield f"127.0.0.1:{port}"
    finally:
        serve.shutdown()
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def camera(address: str) -> Iterator[Any]:
    actor = FakeCamera.options(name="camera:gate-1", namespace="cameras", lifetime="detached").remote()
    ray.get(actor.picture.remote("wall", 0, 0, 1.0), timeout=PATIENCE_S)
    yield actor
    ray.kill(actor)


def deploy(site: str, release: str) -> None:
    """The same path as `serve deploy`."""
    application = {
        "name": "ingress",
        "route_prefix": "/",
        "import_path": "deployments.ingress.app:build",
        "args": {"release": release, "site": site},
        "deployments": [
            {
                "name": "Ingress",
                "num_replicas": 1,
                "max_ongoing_requests": 1000,
                "graceful_shutdown_timeout_s": 15,
                "ray_actor_options": {"num_cpus": 0},
            }
        ],
    }
    _get_global_client().deploy_apps(ServeDeploySchema.model_validate({"applications": [application]}))
    deploy.site = site  # type: ignore[attr-defined]


def release(address: str) -> str:
    """ "" where nobody answers yet: a question waits for the next replica."""
    try:
        return str(httpx.get(f"http://{address}/health/live", timeout=5).json().get("release"))
    except httpx.HTTPError:
        return ""


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def until(condition: Callable[[], bool]) -> None:
    wait_for("what the ingress should come to", condition, PATIENCE_S, instead=serve.status)


def next_frame(viewer: ClientConnection) -> tuple[dict[str, Any], bytes]:
    message = viewer.recv(timeout=PATIENCE_S)
    length = int.from_bytes(message[:4], "big")
    header = json.loads(message[4 : 4 + length])
    viewer.send(json.dumps({"ack": header["sequence"]}))
    return header, message[4 + length :]


def watch(viewer: ClientConnection) -> None:
    while True:
        next_frame(viewer)


def test_the_page_health_and_cameras_answer_through_the_proxy(address: str) -> None:
    health = httpx.get(f"http://{address}/health", headers={"X-Request-ID": "order-66"}, timeout=10)

    assert proxies("haproxy")
    # There is no application `detector` here: a part is away, but the camera says that it is watched.
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    assert health.json()["parts"]["detector"]["status"] == "degraded"
    assert health.headers.get_list("x-request-id") == ["order-66"]
    assert httpx.get(f"http://{address}/").headers["content-type"].startswith("text/html")
    assert httpx.get(f"http://{address}/api/v1/cameras").json()["cameras"][0]["camera_id"] == "gate-1"


def test_the_system_is_what_ray_says_it_is(address: str) -> None:
    system = httpx.get(f"http://{address}/api/v1/system", timeout=10).json()

    assert [(node["alive"], node["head"]) for node in system["nodes"]] == [(True, True)]
    [ingress] = [one for one in system["deployments"] if one["name"] == "Ingress"]
    assert (ingress["application"], ingress["replicas"].get("RUNNING")) == ("ingress", 1)
    assert [fault.partition(":")[0] for fault in system["faults"]] == ["Detector", "MetricsHub"]
    assert httpx.get(f"http://{address}/api/v1/models", timeout=10).json()["replicas"] == []
    assert httpx.get(f"http://{address}/api/v1/openapi.json", timeout=10).json()["openapi"] == "3.0.3"


def test_a_camera_whose_process_dies_is_unmonitored_and_comes_back_as_another_actor(address: str, camera: Any) -> None:
    with connect(f"ws://{address}/api/v1/cameras/gate-1/live?profile=wall") as viewer:
        assert [next_frame(viewer)[1] for _ in range(5)] == [b"wall"] * 5
        ray.kill(camera)

        while (message := next_frame(viewer))[1]:
            pass
        again = FakeCamera.options(name="camera:gate-1", namespace="cameras", lifetime="detached").remote()
        until(lambda: next_frame(viewer)[1] == b"wall")
        ray.kill(again)

    assert (message[0]["status"], bool(message[0]["reason"])) == ("UNMONITORED", True)


@pytest.mark.parametrize("who", ["haproxy", "ray::HAProxyManager"])
def test_a_proxy_that_is_killed_comes_back(address: str, who: str) -> None:
    [killed, *_] = proxies(who)
    killed.kill()
    killed.wait(timeout=PATIENCE_S)

    until(lambda: answers(int(address.rpartition(":")[2])))


def proxies(who: str) -> list[psutil.Process]:
    """Processes of this Ray that are called so and nothing else, the newest first."""
    return [process for process in started_here(who) if who in words_of(process).split()[:2]]


def test_a_rollout_tells_sockets_to_come_back_and_may_switch_sign_in_on(address: str) -> None:
    with connect(f"ws://{address}/api/v1/cameras/gate-1/live") as viewer:
        next_frame(viewer)
        deploy(deploy.site.replace("site.yaml", "signed.yaml"), "2")  # type: ignore[attr-defined]

        with pytest.raises(ConnectionClosed) as closed:
            watch(viewer)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    until(lambda: release(address) == "2")
    is_let_in_by_password_cookie_ticket_and_nothing_else(address)


def is_let_in_by_password_cookie_ticket_and_nothing_else(address: str) -> None:
    """The first admin came out of the environment; the way through the proxy is the same as without it."""
    api, live = f"http://{address}/api/v1", f"ws://{address}/api/v1/cameras/gate-1/live"
    assert httpx.get(f"{api}/cameras", timeout=10).status_code == 401
    with connect(live) as viewer, pytest.raises(ConnectionClosed) as refused:
        viewer.recv(timeout=PATIENCE_S)
    assert refused.value.rcvd is not None
    assert refused.value.rcvd.code == 4401

    with httpx.Client(timeout=10) as page:
        said = {"name": "boss", "password": ENVIRONMENT["SAFE_YOLO_ADMIN_PASSWORD"]}
        signed = page.post(f"{api}/session", json=said)
        assert (signed.status_code, signed.json()["role"]) == (200, "admin")
        assert page.get(f"{api}/cameras").status_code == 200
        ticket = page.post(f"{api}/tickets", headers={"X-CSRF-Token": signed.json()["csrf"]}).json()["ticket"]
        cookie = f"safe_yolo_session={page.cookies['safe_yolo_session']}"
        entry = page.get(f"{api}/audit").json()["entries"][0]
    assert (entry["who"], entry["action"], entry["address"]) == ("boss", "sign_in", "127.0.0.1")
    for viewer in (connect(live, additional_headers={"Cookie": cookie}), connect(f"{live}?ticket={ticket}")):
        with viewer:
            assert next_frame(viewer)[0]["camera_id"] == "gate-1"
