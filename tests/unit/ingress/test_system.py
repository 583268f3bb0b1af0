"""Models, the system and its alarms over the API."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import pytest
from counterparts.viewer_sockets import client_of

from cluster.safety.errors import ConfigError
from cluster.safety.status import CameraStatus, DetectorReport
from deployments.ingress.alertmanager import Alertmanager
from deployments.ingress.metrics_figures import gauges, gpu_documents, sums
from deployments.ingress.model_files import ModelFiles
from deployments.ingress.ray_cluster import node_state
from deployments.ingress.services import Unreachable
from deployments.ingress.system_services import Alarm, DeploymentState, NodeState

SHA = "5f6f620d0fa574ed80d8348bb8d46060148eb0ba24e3eea00d31a30cdadba41d"


@dataclass
class FakeCluster:
    away: bool = False

    async def nodes(self) -> list[NodeState]:
        if self.away:
            raise Unreachable("Ray", "no answer in time")
        return [NodeState("n1", "10.0.0.1", "head", True, True, 8.0, 1.0, 2**33)]

    async def deployments(self) -> list[DeploymentState]:
        return [DeploymentState("Ingress", "ingress", "HEALTHY", "", {"RUNNING": 2})]


@dataclass
class FakeAlarms:
    alarms: list[Alarm] = field(default_factory=list)
    away: bool = False

    async def firing(self) -> list[Alarm]:
        if self.away:
            raise Unreachable("Alertmanager", "connection refused")
        return self.alarms


def alarm(**labels: str) -> Alarm:
    return Alarm("FrameDrop", "warning", "프레임 드롭", "Frames dropped", datetime(2026, 11, 22, tzinfo=UTC), labels)


def test_models_are_listed_with_who_runs_them(client, site):
    answer = client.get("/api/v1/models").json()

    assert answer["models"] == [
        {
            "name": "fall-s", "sha256": SHA, "classes": {"Normal": "person", "Fall": "fallen_person"},
            "licence": "Apache-2.0", "configured": True,
        }
    ]  # fmt: skip
    assert (answer["replicas"][0]["pid"], answer["replicas"][0]["node"]) == (7, "n1")
    site.detector.away = True
    assert client.get("/api/v1/models").json()["replicas"] == []


def test_a_replica_of_the_release_before_is_listed_too(client, site):
    """What it sends was made without the newer fields."""
    old = DetectorReport("fall-s", "", "torch", "cpu", 320, ready=True, error="rtsp://admin:pw@cam failed")
    object.__delattr__(old, "configured")
    object.__delattr__(old, "node_id")
    site.detector.answer = old

    [replica] = client.get("/api/v1/models").json()["replicas"]

    assert (replica["node"], replica["configured"]) == ("", "")
    assert "pw" not in replica["error"]


def test_the_weights_of_a_model_are_verified_and_it_is_noted(client, site):
    answer = client.post("/api/v1/models/fall-s/verify").json()

    assert answer == {"ok": True, "sha256": SHA, "reason": ""}
    [noted] = site.audit.entries
    assert (noted.action, noted.subject, noted.detail) == ("model.verify", "fall-s", "is the right one")


@pytest.mark.parametrize("name", ["unknown", "..%2f..%2fetc", "Fall-S", "%00"])
def test_there_is_no_such_model(client, name):
    assert client.post(f"/api/v1/models/{name}/verify").status_code == 404


MODELS = """
models:
  - {{ name: other, weights: {weights}, sha256: {sha}, classes: {{ Person: person }}, licence: x, origin: y }}
"""


@pytest.mark.parametrize(
    ("content", "reason"), [(b"other bytes", "has another sha256"), (None, "missing"), ("yolo11n.pt", "is fetched")]
)
def test_weights_that_are_not_the_right_ones_are_said(tmp_path, content, reason):
    weights = tmp_path / "weights.pt"
    if isinstance(content, bytes):
        weights.write_bytes(content)
    file = tmp_path / "models.yaml"
    file.write_text(MODELS.format(weights=content if isinstance(content, str) else weights, sha="ab" * 32))

    verdict = ModelFiles(str(file)).verify("other")

    assert verdict is not None
    assert not verdict.ok
    assert reason in verdict.reason


def test_a_models_file_that_is_not_there_is_a_fault_of_the_configuration(tmp_path):
    with pytest.raises(ConfigError):
        ModelFiles(str(tmp_path / "models.yaml")).listed()


def test_all_replicas_load_anew_and_it_is_noted(client, site):
    answer = client.post("/api/v1/models/reload")

    assert (answer.status_code, answer.json(), site.detector.reloads) == (202, {"replicas": 1}, 1)
    assert site.audit.entries[0].action == "model.reload"
    site.detector.away = True
    assert client.post("/api/v1/models/reload").status_code == 503


def test_the_system_says_what_runs_where(site, make):
    site.cluster = FakeCluster()
    site.cameras.known["gate-2"] = make.report("gate-2", CameraStatus.UNMONITORED)
    site.pages.text = (
        'gpu_utilization_percent{node="n1",gpu="0"} 40\ngpu_memory_used_bytes{node="n1",gpu="0"} 1e9\n'
        "detector_frames_waiting 2\nframes_total 9\n"
    )
    system = client_of(site, make.QUICK).get("/api/v1/system").json()

    assert system["nodes"][0]["hostname"] == "head"
    assert system["deployments"][0]["replicas"] == {"RUNNING": 2}
    assert (system["cameras"]["MONITORED"], system["cameras"]["UNMONITORED"]) == (1, 1)
    assert system["gpus"][0]["utilization_percent"] == 40
    assert system["gpus"][0]["temperature_celsius"] is None
    assert system["figures"]["detector_frames_waiting"] == 2
    assert (system["versions"]["ray"], system["release"]) == ("2.60.0", "test")
    assert system["health"]["status"] in ("ok", "degraded")
    assert system["faults"] == []


def test_a_part_that_does_not_answer_leaves_its_place_empty_and_is_named(site, make):
    site.cluster, site.cameras.away, site.pages.away = FakeCluster(away=True), True, True
    system = client_of(site, make.QUICK).get("/api/v1/system").json()

    assert (system["nodes"], system["gpus"]) == ([], [])
    assert [fault.partition(":")[0] for fault in system["faults"]] == ["CameraSupervisor", "MetricsHub", "Ray"]


def test_without_an_alertmanager_there_are_no_alarms_to_show(client):
    assert client.get("/api/v1/system/alarms").json() == {"configured": False, "alarms": [], "reason": ""}


def test_who_is_limited_to_cameras_learns_of_no_others_from_the_health_of_the_system(
    signed_client, signed_site, tokens, make
):
    signed_site.cameras.known["gate-1"] = make.report("gate-1", CameraStatus.UNMONITORED, reason="10.0.0.5 is silent")
    texts = {
        name: signed_client.get("/api/v1/system", headers=tokens.header(name)).text for name in ("other", "viewer")
    }

    assert "10.0.0.5" in texts["viewer"]
    assert "10.0.0.5" not in texts["other"]
    assert "gate-1" not in texts["other"]


def test_alarms_of_cameras_that_somebody_may_not_see_are_left_out(signed_site, tokens, make):
    signed_site.alarms = FakeAlarms([alarm(camera_id="gate-1"), alarm(camera_id="gate-2"), alarm(node="n1")])
    with client_of(signed_site, make.QUICK) as client:
        shown = client.get("/api/v1/system/alarms", headers=tokens.header("other")).json()
        signed_site.alarms.away = True
        away = client.get("/api/v1/system/alarms", headers=tokens.header("viewer")).json()

    assert [one["labels"] for one in shown["alarms"]] == [{"camera_id": "gate-2"}, {"node": "n1"}]
    assert shown["alarms"][0]["since"] == "2026-11-22T00:00:00.000Z"
    assert (away["configured"], away["alarms"], away["reason"]) == (True, [], "Alertmanager: connection refused")


def _firing(*answers: httpx.Response | Exception) -> tuple[Alertmanager, list[httpx.Request]]:
    asked: list[httpx.Request] = []
    waiting = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        given = waiting.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    return Alertmanager("http://alerts:9093/", httpx.MockTransport(answer)), asked


def _said(name: str, severity: str, summary: str) -> dict[str, object]:
    return {
        "labels": {"alertname": name, "severity": severity, "camera_id": "gate-1"},
        "annotations": {"summary": summary}, "startsAt": "2026-11-22T10:00:00.000Z",
    }  # fmt: skip


@pytest.mark.anyio
async def test_alarms_come_from_alertmanager_worst_first_in_both_languages():
    said = [_said("FrameDrop", "warning", "프레임 드롭 / Frames dropped: gate-1"), _said("Down", "critical", "Down")]
    alertmanager, asked = _firing(httpx.Response(200, json=said))

    alarms = await alertmanager.firing()
    await alertmanager.firing()

    assert [one.name for one in alarms] == ["Down", "FrameDrop"]
    assert (alarms[1].summary_ko, alarms[1].summary_en) == ("프레임 드롭: gate-1", "Frames dropped: gate-1")
    assert (alarms[0].summary_ko, alarms[0].summary_en) == ("Down", "Down")
    assert alarms[1].since == datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert alarms[1].labels == {"camera_id": "gate-1"}
    [request] = asked
    assert str(request.url) == "http://alerts:9093/api/v2/alerts?active=true&silenced=false&inhibited=false"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("connection refused"),
        httpx.Response(500),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"status": "ok"}),
        httpx.Response(200, json=[{"labels": None}]),
        httpx.Response(200, json=["alarm"]),
    ],
)
async def test_an_alertmanager_that_does_not_answer_is_said(answer):
    alertmanager, _ = _firing(answer)

    with pytest.raises(Unreachable, match="Alertmanager"):
        await alertmanager.firing()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_figures_are_read_from_a_page_whatever_else_it_holds():
    page = b'# HELP x\nfoo{bar="baz"} 1\nnotifications_waiting 3\ngpu_temperature_celsius{node="b",gpu="1"} 60\n'

    assert sums(gauges(page)) == {"notifications_waiting": 3.0}
    assert gpu_documents(gauges(page))[0]["temperature_celsius"] == 60
    assert gauges(b"gpu_temperature_celsius{node=") == []
    assert gauges(b"") == []


def test_a_dead_node_has_no_resources():
    alive = {
        "NodeID": "n1", "Alive": True, "NodeManagerAddress": "10.0.0.1", "NodeManagerHostname": "head",
        "Resources": {"CPU": 8.0, "GPU": 1.0, "memory": 1e9, "node:__internal_head__": 1.0},
    }  # fmt: skip

    assert node_state(alive) == NodeState("n1", "10.0.0.1", "head", True, True, 8.0, 1.0, 10**9)
    assert node_state({"NodeID": "n2", "Alive": False}) == NodeState("n2", "", "", False, False, 0.0, 0.0, 0)
