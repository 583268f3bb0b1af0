"""What a viewer's page does with the sockets of the ingress, on starlette's test client."""

import json
from typing import Any

from starlette.testclient import TestClient, WebSocketTestSession

from deployments.ingress.limits import Limits

BASE = "ws://localhost:8001"
LIVE = f"{BASE}/api/v1/cameras/gate-1/live?fps=60"
EVENTS = f"{BASE}/api/v1/events/live"


def client_of(site: Any, limits: Limits, **options: Any) -> TestClient:
    return TestClient(site.app(limits, **options), base_url="http://localhost:8001")


def frame_of(socket: WebSocketTestSession, acknowledge: bool = True) -> tuple[dict[str, Any], bytes]:
    """The header and the JPEG of the next message."""
    message = socket.receive_bytes()
    end = 4 + int.from_bytes(message[:4], "big")
    header: dict[str, Any] = json.loads(message[4:end])
    if acknowledge:
        socket.send_json({"ack": header["sequence"]})
    return header, message[end:]


def closed_by(socket: WebSocketTestSession) -> tuple[int, str]:
    """With which code and reason the ingress closes it; what comes before is passed over."""
    for _ in range(100):
        message = socket.receive()
        if message["type"] == "websocket.close":
            return message["code"], message["reason"]
    raise AssertionError("the socket stayed open")


def next_events(socket: WebSocketTestSession, count: int) -> list[dict[str, Any]]:
    """So many messages about events; those about the database and the heartbeats are passed over."""
    got: list[dict[str, Any]] = []
    while len(got) < count:
        message = socket.receive_json()
        if message["type"] == "event":
            got.append(message)
    return got
