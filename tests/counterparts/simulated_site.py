"""A whole site on simulated nodes: painted cameras, a stub detector, a real PostgreSQL and a real S3 endpoint."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg
import ray
import yaml
from counterparts.message_receiver import MessageReceiver
from counterparts.ray_nodes import RayNodes
from counterparts.scene_server import NOBODY, Place, SceneServer
from counterparts.secrets_used import secret
from counterparts.stub_detector import Switches
from counterparts.waiting import wait_for
from psycopg.rows import class_row
from ray import serve

from cluster.safety.detections import Detections
from cluster.safety.errors import SafeYoloError
from cluster.safety.frames import Image
from cluster.safety.status import CameraReport, CameraStatus, DetectorReport

AT_THE_PRESS: Place = (0.2, 0.4, 0.3, 0.9)
AT_THE_BELT: Place = (0.7, 0.4, 0.8, 0.9)
OUTSIDE: Place = (0.48, 0.4, 0.54, 0.9)
_ANSWER_S = 15.0
_ZONES: list[dict[str, Any]] = [
    {
        "zone_id": "press",
        "kind": "danger",
        "polygon": [[0.05, 0.2], [0.42, 0.2], [0.42, 1.0], [0.05, 1.0]],
        "dwell_s": 1.0,
        "cooldown_s": 0.0,
    },
    {
        "zone_id": "belt",
        "kind": "warning",
        "polygon": [[0.6, 0.2], [0.95, 0.2], [0.95, 1.0], [0.6, 1.0]],
        "escalate_after_s": 1.0,
        "entrances": True,
        "cooldown_s": 0.0,
    },
]


@dataclass(frozen=True, slots=True)
class Told:
    """One row of the events, what a person would read of it."""

    event_id: str
    camera_id: str
    zone_id: str
    event_type: str
    severity: str
    state: str
    revision: int
    epoch: int
    subject: str
    opened_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    detail: dict[str, Any] = field(hash=False)

    @property
    def of_the_camera(self) -> bool:
        """It tells of the camera and not of what the camera sees."""
        return self.event_type.startswith("CAMERA_")


class SimulatedSite:
    """`deploy` brings the applications to what the attributes say; everything else asks what came of it."""

    def __init__(self, nodes: RayNodes, scene: SceneServer, told: MessageReceiver, database_url: str) -> None:
        self.nodes, self.scene, self.told_to, self._database_url = nodes, scene, told, database_url
        self.switches = Switches(nodes.folder / "switches.json")
        self.release = "r1"
        self.model = "stub"
        self.detector: dict[str, Any] = {"num_replicas": 1, "ray_actor_options": {"num_cpus": 0}}
        self.cameras: list[dict[str, Any]] = []
        self.cameras_config: dict[str, Any] = {}

    @property
    def camera_ids(self) -> list[str]:
        return [str(camera["camera_id"]) for camera in self.cameras]

    def watch(self, *camera_ids: str, **settings: Any) -> None:
        """Adds cameras of the scene server to what `deploy` wants; `settings` go to each of them."""
        for camera_id in camera_ids:
            source = {"camera_id": camera_id, "source": self.scene.url(camera_id), "zones": _ZONES}
            self.cameras.append({**source, **settings})

    def deploy(self) -> None:
        """As `serve deploy`; returns when the applications run."""
        self.nodes.deploy(*self._applications())
        wait_for("the applications run", lambda: _running("detector", "cameras"), limit_s=180)

    def wait_until_watched(self, *camera_ids: str, limit_s: float = 120.0) -> None:
        """Until every camera, or those of `camera_ids`, is MONITORED."""
        wanted = set(camera_ids or self.camera_ids)

        def watched() -> bool:
            """The supervisor knows a dead process only after some heartbeats: its last words do not count."""
            living = set(self.camera_actors().values())
            found = self.found(wanted)
            return all(report.status is CameraStatus.MONITORED and report.pid in living for report in found)

        wait_for(f"{len(wanted)} cameras are watched", watched, limit_s, instead=self.unwatched)

    def unwatched(self) -> list[str]:
        """A line for each camera that is not MONITORED."""
        reports = self.reports()
        lines = [f"{report.camera_id} {report.status} {report.reason}" for report in reports.values()]
        return [line for line in lines if CameraStatus.MONITORED not in line.split()] if reports else ["no supervisor"]

    def found(self, camera_ids: set[str]) -> list[CameraReport]:
        """Their reports; one that is missing fails every condition."""
        reports = self.reports()
        blank = CameraReport("", "", CameraStatus.CONNECTING, datetime.min)
        return [reports.get(camera_id, blank) for camera_id in camera_ids]

    def reports(self) -> dict[str, CameraReport]:
        """Of each camera, as the supervisor says; nothing while there is no supervisor."""
        handle: Any = serve.get_deployment_handle("CameraSupervisor", "cameras")
        try:
            return {report.camera_id: report for report in handle.reports.remote().result(timeout_s=_ANSWER_S)}
        except (ray.exceptions.RayError, serve.exceptions.RayServeException, TimeoutError):
            return {}

    def detectors(self) -> list[DetectorReport]:
        """Of each replica that answers."""
        handle: Any = serve.get_deployment_handle("Detector", "detector")
        try:
            return list(handle.broadcast("report").results(timeout_s=_ANSWER_S))
        except (ray.exceptions.RayError, serve.exceptions.RayServeException, TimeoutError):
            return []

    def ask(self, image: Image) -> Detections | None:
        """The detector's answer to one picture; None if it has none."""
        handle: Any = serve.get_deployment_handle("Detector", "detector").options(_by_reference=False)
        try:
            found: Detections = handle.detect.remote(image).result(timeout_s=_ANSWER_S)
        except (SafeYoloError, ray.exceptions.RayError, serve.exceptions.RayServeException, TimeoutError):
            return None
        return found

    def events(self, since: datetime | None = None) -> list[Told]:
        """All events, or those opened after `since`, in the order in which they opened."""
        columns = ", ".join(Told.__dataclass_fields__)
        query = f"SELECT {columns} FROM events ORDER BY opened_at, event_id"  # noqa: S608 - no foreign text
        with (
            psycopg.connect(self._database_url) as connection,
            connection.cursor(row_factory=class_row(Told)) as cursor,
        ):
            rows = cursor.execute(query).fetchall()
        return [row for row in rows if since is None or row.opened_at > since]

    def messages(self, event_id: str) -> dict[str, tuple[str, int]]:
        """State and attempts of the messages of an event, by channel."""
        query = "SELECT channel_id, state, attempts FROM messages WHERE event_id = %s AND kind <> 'closed'"
        with psycopg.connect(self._database_url) as connection:
            return {channel: (state, tries) for channel, state, tries in connection.execute(query, [event_id])}

    def told(self, since: datetime | None, camera_id: str) -> list[Told]:
        """What `camera_id` saw after `since`."""
        return [row for row in self.events(since) if row.camera_id == camera_id and not row.of_the_camera]

    def replicas(self, deployment: str) -> list[int]:
        """Process ids of the living replicas of `deployment`, as "cameras#Recorder"."""
        return [pid for name, pid in self.actors() if name.startswith(f"SERVE_REPLICA::{deployment}#")]

    def camera_actors(self) -> dict[str, int]:
        """Process ids by the name of the actor."""
        return {name: pid for name, pid in self.actors() if name.startswith("camera:")}

    def empty(self) -> None:
        """Everybody leaves, and everything that was told of them ends."""
        self.scene.show(NOBODY, *self.camera_ids)
        wait_for("every episode ends", lambda: not self.still_open(), instead=self.still_open)

    def still_open(self) -> list[Told]:
        return [row for row in self.events() if row.state != "closed"]

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        wait_for("the process is gone", lambda: not psutil.pid_exists(pid) or _is_zombie(pid))

    @staticmethod
    def actors() -> list[tuple[str, int]]:
        """(class or name, pid) of the living ones. Without a dashboard there is no public way to ask."""
        found: dict[str, Any] = ray._private.state.actors()
        living = [actor for actor in found.values() if actor["State"] == "ALIVE"]
        return [(_called(actor), int(actor["Pid"])) for actor in living if int(actor["Pid"])]

    def _applications(self) -> list[dict[str, Any]]:
        arguments = {"release": self.release, "site": str(self.nodes.folder / "site.yaml")}
        user_config = {"cameras": self.cameras, "actor_cpus": 0.1, **self.cameras_config}
        small = {"ray_actor_options": {"num_cpus": 0}}
        detector = {
            "name": "Detector",
            "max_ongoing_requests": 64,
            "graceful_shutdown_timeout_s": 5,
            "user_config": {"model": self.model, "image_size": 320, "canary_every_s": 1.0},
            **self.detector,
        }
        supervisor = {"name": "CameraSupervisor", "max_ongoing_requests": 256, "user_config": user_config, **small}
        recorder = {"name": "Recorder", "max_ongoing_requests": 64, **small}
        return [
            _application(
                "detector", "counterparts.stub_detector:build", {"switches": str(self.switches.file)}, detector
            ),
            _application("cameras", "deployments.cameras.app:build", arguments, supervisor, recorder),
        ]


@contextmanager
def open_site(database_url: str, bucket: str, endpoint: str, **head: Any) -> Iterator[SimulatedSite]:
    """A site without cameras on a cluster of one node; `head`: what it has, see `RayNodes.add`."""
    from cluster.settings.load import load_site
    from cluster.storage.schema import migrate

    folder = Path(tempfile.mkdtemp(prefix="sy-", dir="/tmp"))  # a short path: sockets lie in it
    told = MessageReceiver()
    _write_site(folder, database_url, bucket, endpoint, told)
    migrate(load_site(folder / "site.yaml"))
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": secret("aws"), "RAY_USAGE_STATS_ENABLED": "0"}
    keys |= {"SIMULATED_SLACK_TOKEN": "xoxb-simulated", "SIMULATED_PHONE": "+821000000000"}
    nodes, scene = RayNodes(folder, keys), SceneServer()
    try:
        nodes.start(**head)
        yield SimulatedSite(nodes, scene, told, database_url)
    finally:
        nodes.stop()
        scene.stop()
        told.stop()
        if not os.environ.get("SAFE_YOLO_KEEP_LOGS"):
            shutil.rmtree(folder, ignore_errors=True)


class SiteSlot:
    """Holds one site at a time: a test process is the driver of one cluster, and the machine is small."""

    def __init__(self) -> None:
        self._stack, self._name = ExitStack(), ""
        self._site: SimulatedSite | None = None

    def take(self, name: str, make: Callable[[ExitStack], SimulatedSite]) -> SimulatedSite:
        """The site called `name`; if another one is up, that one ends first."""
        if self._site is None or self._name != name:
            self.close()
            self._name, self._site = name, make(self._stack)
        return self._site

    def close(self) -> None:
        self._site = None
        self._stack.close()


def _write_site(folder: Path, database_url: str, bucket: str, endpoint: str, told: MessageReceiver) -> None:
    """Every node keeps its data elsewhere (SAFE_YOLO_DATA_DIR). Intrusions at gate-1 are told to a room and a phone."""
    room = {
        "kind": "slack_bot",
        "token": "${SIMULATED_SLACK_TOKEN}",
        "api_url": f"{told.url}/api/",
        "channel": "C0ROOM",
    }
    phone = {"kind": "sms_sns", "phone": "${SIMULATED_PHONE}", "endpoint": f"{told.url}/sns/"}
    channels = [{"channel_id": "room", "timeout_s": 2, **room}, {"channel_id": "phone", "timeout_s": 2, **phone}]
    intrusions = {"event_types": ["DANGER_ZONE_INTRUSION"], "cameras": ["gate-1"]}
    rule = {"name": "danger", "steps": [{"channels": ["room", "phone"]}], **intrusions}
    site = {
        "name": "simulated",
        "data_dir": str(folder / "shared-by-mistake"),
        "database": {"url": database_url},
        "snapshots": {"url": f"s3://{bucket}/pictures", "endpoint": endpoint},
        "sign_in": {"enabled": False},
        "notifications": {"channels": channels, "rules": [rule]},
    }
    (folder / "site.yaml").write_text(yaml.safe_dump(site))


def walk(site: SimulatedSite, *places: Place, cameras: Sequence[str] = ()) -> None:
    """People go to `places` in front of `cameras`, or of all; none: everybody leaves."""
    site.scene.show(places or NOBODY, *(cameras or site.camera_ids))


def _application(
    name: str, import_path: str, arguments: dict[str, Any], *deployments: dict[str, Any]
) -> dict[str, Any]:
    named: dict[str, Any] = {"name": name, "route_prefix": None, "import_path": import_path}
    return {**named, "args": arguments, "deployments": list(deployments)}


def _running(*applications: str) -> bool:
    found = serve.status().applications
    return all(name in found and found[name].status == "RUNNING" for name in applications)


def _called(actor: dict[str, Any]) -> str:
    return str(actor["Name"] or actor["ActorClassName"])


def _is_zombie(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return True
