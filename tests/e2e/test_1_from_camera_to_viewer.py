"""From a real RTSP camera to those who look: events, snapshots, sockets, health, metrics."""

import asyncio
import json
import struct
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from websockets.asyncio.client import connect

CAMERA = "gate-1"


@pytest.fixture(scope="module")
def intrusion(site: Any) -> dict[str, Any]:
    """The first intrusion whose snapshot is stored."""

    def look() -> dict[str, Any] | None:
        found = site.events(event_type="DANGER_ZONE_INTRUSION")
        return next((event for event in found if event["snapshot"]["state"] == "stored"), None)

    return site.wait_for("an intrusion with its snapshot", look)


def test_a_person_who_walks_into_the_zone_becomes_an_event(intrusion: dict[str, Any]) -> None:
    assert intrusion["severity"] == "CRITICAL"
    assert intrusion["zone_id"] == "press"
    assert intrusion["model_digest"].startswith("5f6f620d")
    assert intrusion["correlation_id"].startswith(f"{CAMERA}-{intrusion['epoch']}-")


def test_its_snapshot_shows_the_moment_drawn_and_clean(site: Any, intrusion: dict[str, Any]) -> None:
    path = f"/api/v1/events/{intrusion['event_id']}/snapshot.jpg"
    drawn, clean = _picture(site.get(path).content), _picture(site.get(f"{path}?clean=1").content)

    assert drawn.shape == clean.shape == (360, 640, 3)
    assert np.abs(drawn.astype(int) - clean).mean() > 1.0


def test_the_live_socket_sends_newer_and_newer_frames_and_waits_for_acknowledgements(site: Any) -> None:
    async def watch() -> list[dict[str, Any]]:
        seen = []
        async with connect(f"{site.sockets}/api/v1/cameras/{CAMERA}/live?profile=wall", proxy=None) as socket:
            for _ in range(6):
                header, jpeg = _message(await asyncio.wait_for(socket.recv(), 30))
                assert _picture(jpeg).shape == (header["height"], header["width"], 3)
                seen.append(header)
                await socket.send(json.dumps({"ack": header["sequence"]}))
        return seen

    seen = asyncio.run(watch())

    sequences = [header["sequence"] for header in seen]
    assert sequences == sorted(set(sequences))
    assert {header["status"] for header in seen} == {"MONITORED"}
    assert [zone["zone_id"] for zone in seen[0]["zones"]] == ["press"]


def test_a_viewer_who_acknowledges_nothing_gets_two_frames_and_delays_nobody(site: Any) -> None:
    async def watch() -> tuple[int, int]:
        address = f"{site.sockets}/api/v1/cameras/{CAMERA}/live?profile=wall"
        async with connect(address, proxy=None) as slow, connect(address, proxy=None) as quick:
            for _ in range(12):
                header, _ = _message(await asyncio.wait_for(quick.recv(), 30))
                await quick.send(json.dumps({"ack": header["sequence"]}))
            got = 0
            while True:
                try:
                    await asyncio.wait_for(slow.recv(), 1)
                except TimeoutError:
                    return got, 12
                got += 1

    slow, quick = asyncio.run(watch())

    assert (slow, quick) == (2, 12)


def test_the_event_socket_resumes_from_a_cursor_without_a_hole(site: Any) -> None:
    async def follow(cursor: int, count: int) -> list[int]:
        async with connect(f"{site.sockets}/api/v1/events/live?cursor={cursor}", proxy=None) as socket:
            numbers: list[int] = []
            while len(numbers) < count:
                message = json.loads(await asyncio.wait_for(socket.recv(), 90))
                if message["type"] == "event":
                    numbers.append(message["cursor"])
            return numbers

    first = asyncio.run(follow(0, 3))
    second = asyncio.run(follow(first[-1], 2))

    assert first + second == list(range(first[0], first[0] + 5))


def test_health_is_ok_and_names_its_parts(site: Any) -> None:
    health = site.get("/health")

    assert health.status_code == 200
    body = health.json()
    assert body["status"] == "ok"
    assert {"database", "detector", "snapshots", "cameras"} <= set(body["parts"])
    assert body["inference_age_s"]["max"] is not None


def test_metrics_leave_by_rays_export(site: Any) -> None:
    wanted = ("ray_frames_processed_total", "ray_frames_captured_total", "ray_detection_inference_seconds_bucket")

    exported = site.wait_for("the metrics", lambda: _exported(site, wanted))

    assert f'camera_id="{CAMERA}"' in exported


def test_status_shows_the_camera_and_the_replicas(site: Any) -> None:
    status = site.command("status", "--json")

    assert status.returncode == 0
    body = json.loads(status.stdout)
    assert body["cameras"][0]["camera_id"] == CAMERA


def _exported(site: Any, wanted: tuple[str, ...]) -> str | None:
    text = httpx.get(f"http://127.0.0.1:{site.ports['metrics']}/metrics", trust_env=False, timeout=15).text
    site.said.append(text)
    return text if all(name in text for name in wanted) else None


def _message(data: Any) -> tuple[dict[str, Any], bytes]:
    assert isinstance(data, bytes)
    (length,) = struct.unpack(">I", data[:4])
    return json.loads(data[4 : 4 + length]), data[4 + length :]


def _picture(jpeg: bytes) -> Any:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image
