"""`serve deploy` changes anything, and neither capture nor viewers notice.

Gaps are printed (pytest -rP); only generous limits end a broken test.
"""

import asyncio
import copy
import itertools
import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

pytestmark = pytest.mark.timeout(600)

CAMERA, SECOND = "gate-1", "gate-2"
LONGEST_GAP_S = 5.0
"""Ends a broken test on a busy machine; the figure that counts is printed and is under 1 s."""


@pytest.fixture(autouse=True)
def _deployed_as_at_first(site: Any) -> Iterator[None]:
    site.wait_for_status("MONITORED")
    yield
    site.deploy(site.config())
    site.wait_for("the model of the start", lambda: _detector(site)["reason"] == "")
    site.wait_for_status("MONITORED")


def test_a_new_threshold_leaves_every_process_where_it_is(site: Any) -> None:
    camera, replicas = site.report(), site.replicas()

    with viewer(site) as seen:
        site.deploy(changed(site, "Detector", confidence=0.55))
        site.wait_for("frames after it", lambda: len(seen.frames) > 20)

    assert site.replicas() == replicas
    assert [site.report()[key] for key in ("pid", "epoch")] == [camera["pid"], camera["epoch"]]
    assert not seen.closed
    assert seen.gap_s("a new threshold") < LONGEST_GAP_S


def test_a_new_model_comes_into_service_between_two_frames(site: Any) -> None:
    camera, replicas = site.report(), site.replicas()

    with viewer(site) as seen:
        site.deploy(changed(site, "Detector", model="fall-s-again", image_size=256))
        site.wait_for("the new model", lambda: "fall-s-again" in _models_in_service(site))
        before = len(seen.frames)
        site.wait_for("frames after it", lambda: len(seen.frames) > before + 20)

    assert site.replicas() == replicas
    assert [site.report()[key] for key in ("pid", "epoch")] == [camera["pid"], camera["epoch"]]
    assert not seen.closed
    assert seen.statuses == {"MONITORED"}
    assert seen.gap_s("a new model") < LONGEST_GAP_S


def test_one_camera_more_starts_only_that_one(site: Any) -> None:
    camera, replicas = site.report(), site.replicas()
    config = site.config()
    cameras = _deployment(config, "CameraSupervisor")["user_config"]["cameras"]
    cameras.append({**cameras[0], "camera_id": SECOND})

    site.deploy(config)
    second = site.wait_for("the second camera", lambda: _watched(site, SECOND))

    assert site.replicas() == replicas
    assert [site.report()[key] for key in ("pid", "epoch")] == [camera["pid"], camera["epoch"]]
    assert second["pid"] != camera["pid"]


def test_broken_weights_are_refused_and_the_old_model_serves_also_in_a_new_replica(site: Any) -> None:
    replicas = site.replicas()

    site.deploy(changed(site, "Detector", model="broken"))
    refused = site.wait_for("the refusal", lambda: _refusal(site))
    assert "truncated" in refused
    assert _looks(site)

    (pid,) = replicas["Detector"]
    os.kill(pid, signal.SIGKILL)
    site.wait_for("a new replica", lambda: site.replicas()["Detector"] not in ([pid], []))
    site.wait_for("the new replica looks at frames", lambda: _looks(site))
    site.wait_for("the refusal is still said", lambda: _refusal(site))

    assert site.report()["status"] == "MONITORED"
    assert {name: pids for name, pids in site.replicas().items() if name != "Detector"} == {
        name: pids for name, pids in replicas.items() if name != "Detector"
    }


def changed(site: Any, deployment: str, **user_config: Any) -> dict[str, Any]:
    """The first configuration with other values in the `user_config` of one deployment."""
    config = copy.deepcopy(site.config())
    _deployment(config, deployment)["user_config"].update(user_config)
    return config


@dataclass
class Seen:
    """What a viewer got. `closed`: why its socket ended, "" while it is open."""

    frames: list[dict[str, Any]]
    closed: str = ""

    @property
    def statuses(self) -> set[str]:
        return {frame["status"] for frame in self.frames}

    def gap_s(self, what: str) -> float:
        """The longest time between two frames that were seen one after the other, by the camera's own clock."""
        numbers = [(frame["epoch"], frame["sequence"]) for frame in self.frames]
        assert numbers == sorted(set(numbers))
        times = [datetime.fromisoformat(frame["time"]) for frame in self.frames]
        longest_s = max((after - before).total_seconds() for before, after in itertools.pairwise(times))
        print(f"{what}: longest gap between frames {longest_s:.2f} s, {len(times)} frames")
        return longest_s


@contextmanager
def viewer(site: Any) -> Iterator[Seen]:
    """Somebody who looks at the camera all the time."""
    seen, enough = Seen([]), threading.Event()

    async def watch() -> None:
        async with connect(f"{site.sockets}/api/v1/cameras/{CAMERA}/live?profile=wall", proxy=None) as socket:
            try:
                while not enough.is_set():
                    data = await asyncio.wait_for(socket.recv(), 60)
                    assert isinstance(data, bytes)
                    length = int.from_bytes(data[:4], "big")
                    frame = json.loads(data[4 : 4 + length])
                    seen.frames.append(frame)
                    await socket.send(json.dumps({"ack": frame["sequence"]}))
            except (ConnectionClosed, TimeoutError) as error:
                seen.closed = repr(error)

    thread = threading.Thread(target=asyncio.run, args=(watch(),), daemon=True)
    thread.start()
    try:
        site.wait_for("the first frames", lambda: len(seen.frames) > 3)
        yield seen
    finally:
        enough.set()
        thread.join(60)


def _deployment(config: dict[str, Any], name: str) -> dict[str, Any]:
    deployments = [one for application in config["applications"] for one in application["deployments"]]
    return next(deployment for deployment in deployments if deployment["name"] == name)


def _detector(site: Any) -> dict[str, Any]:
    """What `/health` says of the model."""
    return dict(site.get("/health").json()["parts"]["detector"])


def _models_in_service(site: Any) -> set[str]:
    """Every model that a replica has put into service so far, out of the logs."""
    lines = (line for file in site.logs.glob("worker*.out") for line in file.read_text(errors="replace").splitlines())
    return {json.loads(line)["model"] for line in lines if line.startswith('{"') and '"model_in_service"' in line}


def _refusal(site: Any) -> str:
    said = str(_detector(site)["reason"])
    return said if "broken" in said else ""


def _looks(site: Any) -> bool:
    age_s = site.report()["inference_age_s"]
    return age_s is not None and age_s < 2


def _watched(site: Any, camera_id: str) -> dict[str, Any] | None:
    report: dict[str, Any] = site.report(camera_id)
    return report if report.get("status") == "MONITORED" else None
