"""A whole site for the end-to-end tests: `safe-yolo up` on a real RTSP camera behind a proxy and a real PostgreSQL.

One site for the session, because it takes most of a minute to come up; every test leaves it as it was.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import cv2
import httpx
import pytest
import yaml
from counterparts.alarm_system import AlarmSystem, Pace, open_alarm_system
from counterparts.message_receiver import MessageReceiver
from counterparts.postgres import PostgresServer
from counterparts.rtsp import RtspServer, _version
from counterparts.s3 import S3Server
from counterparts.secrets_used import MARK, secret
from counterparts.simulated_site import SimulatedSite, SiteSlot, open_site
from counterparts.tcp_proxy import TcpProxy

from cluster.camera.demo_clip import make_demo_clip
from cluster.operation.dashboard import Dashboard
from cluster.operation.ports import free_port
from cluster.operation.ray_token import read_token
from cluster.settings.base import PROJECT_ROOT
from cluster.settings.models import ModelSettings
from deployments.detector.weights import resolve

Answer = TypeVar("Answer")
LIMIT_S = 90.0
"""Ends a broken test; no figure of the product."""
PASSWORD = f"{MARK}/%41x"
SLACK_TOKEN, PHONE, LINK_KEY = "xoxb-e2e-Geheim", "+821076543210", "link-Geheim-0123456789"
"""In no log, answer, table or page."""
CAMERA = "gate-1"
MANAGER_AFTER_S = 6


@dataclass
class Site:
    """A running site and its counterparts."""

    folder: Path
    camera: RtspServer
    proxy: TcpProxy
    postgres: PostgresServer
    database_url: str
    ports: dict[str, int]
    environment: dict[str, str]
    told: MessageReceiver
    sms_log: Callable[[], list[tuple[str, str]]]
    """Phone and text of each SMS that SNS took."""
    said: list[str] = field(default_factory=list, repr=False)

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.ports['page']}"

    @property
    def dashboard(self) -> str:
        return f"http://127.0.0.1:{self.ports['dashboard']}"

    @property
    def sockets(self) -> str:
        return f"ws://127.0.0.1:{self.ports['page']}"

    @property
    def logs(self) -> Path:
        """Where Ray keeps what its workers print."""
        state = json.loads((self.folder / "state" / "ray.json").read_text())
        return Path(state["run_dir"]) / "ray" / "session_latest" / "logs"

    @staticmethod
    def wait_for(what: str, look: Callable[[], Answer | None], limit_s: float = LIMIT_S) -> Answer:
        """The first answer of `look` that is true."""
        waiting, deadline_s = threading.Event(), time.monotonic() + limit_s
        while time.monotonic() < deadline_s:
            if answer := look():
                return answer
            waiting.wait(0.2)
        pytest.fail(f"{what}: not within {limit_s:g} s")

    def command(self, *words: str, limit_s: float = 300) -> subprocess.CompletedProcess[str]:
        """`safe-yolo WORDS`."""
        line = [sys.executable, "-c", "from cluster.cli import main; main()", *words]
        done = subprocess.run(
            line, env=self.environment, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=limit_s, check=False
        )
        self.said += [done.stdout, done.stderr]
        return done

    def get(self, path: str) -> httpx.Response:
        answer = httpx.get(self.page + path, timeout=15, trust_env=False)
        self.said.append(answer.text)
        return answer

    def ray(self, path: str) -> httpx.Response:
        """The Ray dashboard's answer."""
        headers = {"Authorization": f"Bearer {read_token()}"}
        answer = httpx.get(self.dashboard + path, timeout=15, trust_env=False, headers=headers)
        self.said.append(answer.text)
        return answer

    def report(self, camera_id: str = CAMERA) -> dict[str, Any]:
        return dict(self.get(f"/api/v1/cameras/{camera_id}").json())

    def config(self) -> dict[str, Any]:
        """What was deployed at first; a change of the answer changes nothing else."""
        return dict(yaml.safe_load((self.folder / "serve_config.yaml").read_text()))

    def deploy(self, config: dict[str, Any]) -> None:
        """`serve deploy`, by the call that it makes; returns when the applications run."""
        dashboard = Dashboard(self.dashboard)
        dashboard.deploy(config)

        def runs() -> bool:
            return all(found["status"] == "RUNNING" for found in dashboard.applications().values())

        self.wait_for("the applications run", runs)
        dashboard.close()

    def replicas(self) -> dict[str, list[int]]:
        """Process ids by deployment; a replica that starts has none yet."""
        applications = self.ray("/api/serve/applications/").json()["applications"]
        return {
            name: sorted(replica["pid"] for replica in deployment["replicas"] if replica.get("pid"))
            for application in applications.values()
            for name, deployment in application["deployments"].items()
        }

    def events(self, **filters: Any) -> list[dict[str, Any]]:
        """All events that fit, page by page."""
        found: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            query = httpx.QueryParams({"limit": 200, **filters, **cursor})
            answer = self.get(f"/api/v1/events?{query}").json()
            found += answer["events"]
            if not answer.get("next_cursor"):
                return found
            cursor = {"cursor": answer["next_cursor"]}

    def wait_for_status(self, status: str, limit_s: float = LIMIT_S) -> dict[str, Any]:
        """The camera's report once it has `status`."""

        def look() -> dict[str, Any] | None:
            report = self.report()
            return report if report["status"] == status else None

        return self.wait_for(f"{CAMERA} {status}", look, limit_s)

    def outbox_events(self) -> dict[str, int]:
        """What lies in the camera's outbox on disk: event id onto its newest revision."""
        found: dict[str, int] = {}
        for file in (self.folder / "data" / "outbox" / CAMERA).rglob("*.json"):
            try:
                events = json.loads(file.read_text()).get("events", [])
            except (OSError, ValueError):
                continue  # sent or renamed between the two calls
            for event in events:
                found[event["event_id"]] = max(found.get(event["event_id"], 0), event["revision"])
        return found


@pytest.fixture(scope="session")
def site(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer, s3_server: S3Server
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    try:
        _version()
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        from counterparts.missing import missing_counterpart

        missing_counterpart("an RTSP server", error)
    camera = RtspServer(
        frames=_clip_frames(folder), fps=10, width=640, height=360, user="viewer", password=PASSWORD, login="digest"
    )
    proxy = TcpProxy(camera.port)
    postgres_server.start()
    database_url = postgres_server.new_database()
    ports = {name: free_port() for name in ("page", "ray", "dashboard", "metrics")}
    told = MessageReceiver()
    _write_config(folder, proxy.port, ports["page"], _notifications(told, s3_server, ports["page"]))
    environment = {**_environment(folder, database_url, ports), "E2E_MANAGER_URL": f"{told.url}/manager"}
    site = Site(folder, camera, proxy, postgres_server, database_url, ports, environment, told, s3_server.sms)
    try:
        up = site.command("up", "--config", str(folder / "serve_config.yaml"))
        assert up.returncode == 0, up.stdout + up.stderr
        yield site
    finally:
        postgres_server.start()
        down = site.command("down")
        proxy.close()
        camera.stop()
        told.stop()
    assert down.returncode == 0, down.stdout + down.stderr


def _clip_frames(folder: Path) -> Path:
    """The demo clip as JPEGs of half its size, for the RTSP server."""
    clip, frames = folder / "clip.mp4", folder / "frames"
    make_demo_clip(clip)
    frames.mkdir()
    capture, index = cv2.VideoCapture(str(clip), cv2.CAP_FFMPEG), 0
    while (read := capture.read())[0]:
        cv2.imwrite(str(frames / f"{index:06d}.jpg"), cv2.resize(read[1], (640, 360), interpolation=cv2.INTER_AREA))
        index += 1
    return frames


def _environment(folder: Path, database_url: str, ports: dict[str, int]) -> dict[str, str]:
    """One GPU of 16 GB, a third of it taken, by a stand-in for NVIDIA's library."""
    gpus = folder / "gpus.json"
    gpus.write_text(json.dumps([{"used": 5e9, "total": 16e9, "busy": 37, "celsius": 61}]))
    stand_in = PROJECT_ROOT / "tests/counterparts/nvml"
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(stand_in), os.environ.get("PYTHONPATH")))),
        "NVML_STAND_IN": str(gpus),
        "E2E_CAMERA_PASSWORD": PASSWORD.replace("%", "%25").replace("/", "%2F"),
        "DATABASE_URL": database_url,
        "E2E_SLACK_TOKEN": SLACK_TOKEN,
        "E2E_PHONE": PHONE,
        "E2E_LINK_KEY": LINK_KEY,
        "SECRET_KEY": secret("x" * 32),
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": secret("aws"),
        "SAFE_YOLO_STATE_DIR": str(folder / "state"),
        "SAFE_YOLO_LOG_DIR": str(folder / "logs"),
        "SAFE_YOLO_RAY_PORT": str(ports["ray"]),
        "SAFE_YOLO_DASHBOARD_PORT": str(ports["dashboard"]),
        "SAFE_YOLO_METRICS_PORT": str(ports["metrics"]),
    }


def _notifications(told: MessageReceiver, sns: S3Server, page_port: int) -> dict[str, Any]:
    """The safety room by Slack and the shift by SMS at once; the manager if nobody acknowledged."""
    slack = {"kind": "slack_bot", "token": "${E2E_SLACK_TOKEN}", "channel": "C0ROOM", "api_url": f"{told.url}/api/"}
    shift = {"kind": "sms_sns", "phone": "${E2E_PHONE}", "endpoint": sns.endpoint}
    manager = {"kind": "sms_http", "url": "${E2E_MANAGER_URL}", "phone": "${E2E_PHONE}"}
    named = {"room": slack, "shift": shift, "manager": manager}
    steps = [{"after_s": 0, "channels": ["room", "shift"]}, {"after_s": MANAGER_AFTER_S, "channels": ["manager"]}]
    return {
        "page_url": f"http://127.0.0.1:{page_port}",
        "link_secret": "${E2E_LINK_KEY}",
        # Patient: moto lives in this process, and what it takes late cannot be recognised when it comes again.
        "channels": [{"channel_id": name, "timeout_s": 60, **way} for name, way in named.items()],
        "rules": [{"name": "danger", "event_types": ["DANGER_ZONE_INTRUSION"], "steps": steps}],
    }


def _write_config(folder: Path, camera_port: int, page_port: int, notifications: dict[str, Any]) -> None:
    """The shipped configuration, with the camera and the ports of this site."""
    serve = yaml.safe_load((PROJECT_ROOT / "serve_config.yaml").read_text())
    serve["http_options"]["port"] = page_port
    source = f"rtsp://viewer:${{E2E_CAMERA_PASSWORD}}@127.0.0.1:{camera_port}/live"
    for application in serve["applications"]:
        if "site" in application.get("args", {}):
            application["args"]["site"] = str(folder / "site.yaml")
        else:
            application["args"]["models"] = str(folder / "models.yaml")
        for deployment in application["deployments"]:
            if deployment["name"] == "CameraSupervisor":
                (camera,) = deployment["user_config"]["cameras"]
                camera.update(source=source, loop=False)
    (folder / "serve_config.yaml").write_text(yaml.safe_dump(serve, allow_unicode=True))
    site = {
        "name": "end to end",
        "data_dir": str(folder / "data"),
        "database": {"url": "${DATABASE_URL:-}"},
        "sign_in": {"enabled": False},
        "notifications": notifications,
    }
    (folder / "site.yaml").write_text(yaml.safe_dump(site))
    _write_models(folder)


def _write_models(folder: Path) -> None:
    """The shipped weights twice, under two names, and a file of which half is missing."""
    models = yaml.safe_load((PROJECT_ROOT / "configs/models.yaml").read_text())["models"]
    good = next(model for model in models if model["name"] == "fall-s")
    whole = resolve(ModelSettings.model_validate(good)).read_bytes()
    half = folder / "half.pt"
    half.write_bytes(whole[: len(whole) // 2])
    again, broken = {**good, "name": "fall-s-again"}, {**good, "name": "broken", "weights": str(half)}
    (folder / "models.yaml").write_text(yaml.safe_dump({"models": [good, again, broken]}, allow_unicode=True))


@pytest.fixture(scope="session")
def alarms(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AlarmSystem]:
    """Prometheus, Alertmanager and the blackbox exporter, who look at the site from their first test to the last."""
    run_dir = Path(json.loads((site.folder / "state" / "ray.json").read_text())["run_dir"])
    targets = run_dir / "ray" / "prom_metrics_service_discovery.json"
    site.get("/nothing-is-here")  # an answer of 4xx, to be counted
    with open_alarm_system(tmp_path_factory.mktemp("alarms"), site.page, targets, Pace(every_s=2.0)) as system:
        yield system


@pytest.fixture(scope="session")
def site_slot() -> Iterator[SiteSlot]:
    slot = SiteSlot()
    yield slot
    slot.close()


@pytest.fixture
def simulated(site_slot: SiteSlot, postgres_server: PostgresServer, s3_server: S3Server) -> SimulatedSite:
    """One node, two cameras, a stub detector; shared by all tests that want it so, and left as it was."""

    def make(stack: ExitStack) -> SimulatedSite:
        database, bucket = postgres_server.new_database(), s3_server.new_bucket()
        site = stack.enter_context(open_site(database, bucket, s3_server.endpoint, num_cpus=8))
        site.watch("gate-1", "gate-2")
        site.deploy()
        return site

    postgres_server.start()
    site = site_slot.take("one node", make)
    site.wait_until_watched()
    site.empty()  # whatever a broken test left
    return site
