"""The logs of a running site: one id finds an event's whole way, and a level changes while everything runs."""

import copy
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

CAMERA = "gate-1"
pytestmark = pytest.mark.timeout(600)
WAY = {
    "frame_captured": "camera",
    "frame_processed": "camera",
    "inference_done": "detector",
    "event_raised": "camera",
    "event_kept": "camera",
    "event_recorded": "recorder",
    "snapshot_stored": "recorder",
    "notification_taken": "notifier",
    "event_published": "ingress",
    "event_acknowledged": "ingress",
}
"""What is said of the frame in which somebody steps into the zone, and by which process."""


@pytest.fixture
def looked_at_closely(site: Any) -> Iterator[dict[str, Any]]:
    """DEBUG for the camera, in its own process and in the Detector's; what ran before that, by process ids."""
    before = {**site.replicas(), CAMERA: site.report()["pid"]}
    config = copy.deepcopy(site.config())
    for name in ("Detector", "CameraSupervisor"):
        _user_config(config, name)["logging"] = {"cameras": {CAMERA: "debug"}, "frame_every_s": 2}
    site.deploy(config)
    yield before
    site.deploy(site.config())


def test_a_level_changes_for_one_camera_in_the_processes_that_run(site: Any, looked_at_closely: dict[str, Any]) -> None:
    site.wait_for("DEBUG lines of the Detector", lambda: _lines(site, "inference_done"))

    line = _lines(site, "inference_done")[-1]
    assert line["camera_id"] == CAMERA
    assert line["bytes"] > 10_000
    assert {**site.replicas(), CAMERA: site.report()["pid"]} == looked_at_closely


def test_one_id_finds_the_whole_way_of_an_event(site: Any, looked_at_closely: dict[str, Any]) -> None:
    site.wait_for("DEBUG lines of the Detector", lambda: _lines(site, "inference_done"))
    told: dict[str, dict[str, Any]] = {}
    with _a_viewer_of_events(site):
        acknowledged = site.wait_for("the whole way of an intrusion", lambda: _whole_way(site, told), 300)
    frame_id = acknowledged["correlation_id"]

    shown = site.command("logs", "--correlation", frame_id)
    stored = site.get(f"/api/v1/events/{acknowledged['event_id']}").json()
    names = [file.name for file in (site.folder / "data" / "snapshots").rglob("*.jpg")]

    assert {json.loads(line)["event"] for line in shown.stdout.splitlines()} >= set(WAY)
    assert stored["correlation_id"].rsplit("-", 1)[0] == frame_id.rsplit("-", 1)[0], "later frames of the same camera"
    assert any(frame_id in name for name in names)
    assert len({file for file in _files(site) if f'"{frame_id}"' in file.read_text()}) >= 4, "a file for each process"


def test_every_line_of_every_process_has_the_same_form(site: Any) -> None:
    processes = set()
    for line in _lines(site):
        assert list(line)[:4] == ["timestamp", "level", "event", "process"]
        assert line["level"] in ("debug", "info", "warning", "error", "critical")
        processes.add(line["process"])

    assert {"camera", "detector", "supervisor", "recorder", "ingress", "node-agent"} <= processes


def test_who_follows_the_logs_sees_lines_as_they_come(site: Any) -> None:
    """What the container shows, beside everything else that runs."""
    shown = site.command("logs", "--level", "info", "--since", "2026")

    assert shown.returncode == 0, shown.stderr
    lines = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [line["timestamp"] for line in lines] == sorted(line["timestamp"] for line in lines)
    assert {"camera", "serve-controller"} <= {line["process"] for line in lines}


def _whole_way(site: Any, told: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    """An intrusion of `told` of whose frame each process has said its line. On a slow machine some episodes go on
    before their first word is published or acknowledged: then another one is waited for."""
    if fresh := _acknowledged(site):
        told[fresh["event_id"]] = fresh
    return next((one for one in told.values() if WAY.items() <= _said_by(site, one["correlation_id"]).items()), None)


def _acknowledged(site: Any) -> dict[str, Any] | None:
    """A fresh intrusion of which only the first word has come, once somebody was told and has acknowledged it."""
    fresh = [one for one in site.events(event_type="DANGER_ZONE_INTRUSION", state="open") if one["revision"] == 1]
    for event in filter(lambda one: _is_told(site, one["event_id"]), fresh):
        address = f"{site.page}/api/v1/events/{event['event_id']}/acknowledge"
        answer = httpx.post(address, json={"by": "kim"}, timeout=15, trust_env=False)
        site.said.append(answer.text)
        assert answer.status_code == 200, answer.text
        if answer.json()["event"]["correlation_id"] == event["correlation_id"]:
            return event
    return None


def _is_told(site: Any, event_id: str) -> bool:
    """Acknowledging cancels what has not gone out."""
    told = site.get(f"/api/v1/events/{event_id}").json()["notifications"]
    return any(one["state"] in ("sent", "accepted") for one in told)


@contextmanager
def _a_viewer_of_events(site: Any) -> Iterator[None]:
    """Somebody has the page open: nothing is published where nobody looks."""

    def read() -> None:
        with suppress(ConnectionClosed):
            for message in socket:
                if cursor := json.loads(message).get("cursor"):
                    socket.send(json.dumps({"ack": cursor}))

    with connect(f"{site.sockets}/api/v1/events/live", proxy=None) as socket:
        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        yield
    thread.join(30)


def _said_by(site: Any, frame_id: str) -> dict[str, str]:
    """Event names of the lines of this frame, and the process that said them."""
    return {line["event"]: line["process"] for line in _lines(site) if line.get("correlation_id") == frame_id}


def _lines(site: Any, event: str = "") -> list[dict[str, Any]]:
    """All whole lines, or those of `event`."""
    texts = [text for file in _files(site) for text in file.read_text().split("\n")[:-1]]
    return [json.loads(text) for text in texts if f'"event": "{event}' in text]


def _files(site: Any) -> list[Any]:
    return sorted((site.folder / "logs").glob("*.jsonl"))


def _user_config(config: dict[str, Any], name: str) -> dict[str, Any]:
    deployments = (one for application in config["applications"] for one in application["deployments"])
    found: dict[str, Any] = next(one for one in deployments if one["name"] == name)["user_config"]
    return found
