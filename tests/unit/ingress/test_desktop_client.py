"""The desktop client that exists, step by step as shared/CLIENT.md describes what it sends and reads."""

import asyncio
import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from counterparts.signed_in import Tokens
from counterparts.viewer_sockets import BASE, closed_by
from counterparts.waiting import wait_for
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from structlog.testing import capture_logs

from cluster.safety.errors import DatabaseUnavailable
from cluster.safety.events import EpisodeState
from cluster.settings.desktop_client import DesktopClientSettings
from cluster.storage.desktop_positions import DesktopPosition
from cluster.storage.whole_numbers import WholeNumberStore
from deployments.ingress.application import create_app
from deployments.ingress.desktop.resuming import Resuming

CAMERA_KEYS = {"id", "name", "source", "source_type", "is_active", "created_at", "updated_at"}
ZONE_KEYS = {"id", "camera_id", "name", "points", "color", "zone_type", "is_active", "created_at", "updated_at"}
EVENT_KEYS = {
    "id", "camera_id", "event_type", "severity", "message", "snapshot_path", "roi_id", "detection_data",
    "is_acknowledged", "acknowledged_at", "created_at",
}  # fmt: skip
FRAME_KEYS = {"type", "camera_id", "frame", "current_ms", "total_ms", "detection", "events", "rois", "roi_metrics"}
DETECTION_KEYS = {
    "frame_number", "timestamp", "persons_count", "helmets_count", "masks_count", "fire_extinguishers_count",
    "detections",
}  # fmt: skip
OBJECT_KEYS = {
    "class_id", "class_name", "confidence", "x1", "y1", "x2", "y2", "center_x", "center_y", "track_id",
}  # fmt: skip


class Kept:
    """Positions in memory."""

    def __init__(self) -> None:
        self.positions: dict[str, DesktopPosition] = {}

    async def get(self, client: str, /) -> DesktopPosition | None:
        return self.positions.get(client)

    async def keep(self, client: str, position: DesktopPosition, /) -> None:
        self.positions[client] = position


@pytest.fixture
def positions() -> Kept:
    return Kept()


@pytest.fixture
def desktop(signed_site: Any, signed_engine: AsyncEngine, positions: Kept, make: Any) -> Iterator[TestClient]:
    """A site that serves the client; gate-1 is declared, dock-1 was made through the API, both of 640 x 360."""
    for camera_id, managed in (("gate-1", "config"), ("dock-1", "api")):
        report = make.report(camera_id, width=640, height=360, managed=managed)
        signed_site.cameras.known[camera_id] = report
        signed_site.cameras.pictures[camera_id] = make.picture(camera_id)
    services = replace(
        signed_site.services,
        numbers=WholeNumberStore(signed_engine),
        positions=positions,
        desktop=DesktopClientSettings(enabled=True, fps=30),
    )
    app = create_app(services, limits=make.QUICK, release="test", close_engine=signed_engine.dispose)
    with TestClient(app, base_url="http://localhost:8001", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def base(tokens: Tokens) -> str:
    return f"/legacy/{tokens.admin}"


def cameras_of(client: TestClient, base: str) -> dict[str, dict[str, Any]]:
    return {camera["name"].removeprefix("Gate "): camera for camera in client.get(f"{base}/api/cameras").json()}


def test_health_and_configuration_are_objects(desktop: TestClient, base: str) -> None:
    assert desktop.get(f"{base}/health").json()["status"] in ("ok", "degraded", "down")
    assert isinstance(desktop.get(f"{base}/api/config").json(), dict)


def test_cameras_are_listed_and_read_by_numbers_that_stay(desktop: TestClient, base: str) -> None:
    listed = desktop.get(f"{base}/api/cameras").json()

    assert [set(camera) for camera in listed] == [CAMERA_KEYS] * 2
    assert len({camera["id"] for camera in listed}) == 2
    assert all(type(camera["id"]) is int and datetime.fromisoformat(camera["created_at"]).tzinfo for camera in listed)
    assert desktop.get(f"{base}/api/cameras?active_only=true").json() == listed
    assert desktop.get(f"{base}/api/cameras/{listed[1]['id']}").json() == listed[1]
    assert desktop.get(f"{base}/api/cameras/999999").status_code == 404


def test_a_camera_is_made_renamed_switched_off_and_deleted(desktop: TestClient, base: str, signed_site: Any) -> None:
    made = desktop.post(
        f"{base}/api/cameras/", json={"name": "Yard 2", "source": "rtsp://10.0.0.9/1", "source_type": "rtsp"}
    )

    assert made.status_code == 200
    assert set(made.json()) == CAMERA_KEYS
    store = signed_site.changed.store.rows
    (camera_id,) = [name for name in store if name.startswith("yard-2-")]
    dock = cameras_of(desktop, base)["dock-1"]["id"]
    changed = desktop.put(f"{base}/api/cameras/{dock}", json={"name": "Dock West", "is_active": False})
    assert (changed.status_code, changed.json()["name"], changed.json()["is_active"]) == (200, "Dock West", False)
    assert store["dock-1"].settings.name == "Dock West"
    (word,) = signed_site.changed.words.said
    assert (word.camera_id, word.field, word.value) == ("dock-1", "enabled", False)
    assert desktop.delete(f"{base}/api/cameras/{made.json()['id']}").status_code == 200
    assert camera_id not in store


def test_a_declared_camera_can_be_switched_and_not_changed(desktop: TestClient, base: str, signed_site: Any) -> None:
    gate = cameras_of(desktop, base)["gate-1"]["id"]

    assert desktop.put(f"{base}/api/cameras/{gate}", json={"is_active": False}).status_code == 200
    assert len(signed_site.changed.words.said) == 1
    refused = desktop.put(f"{base}/api/cameras/{gate}", json={"name": "Another"})
    assert (refused.status_code, "serve_config" in refused.json()["detail"]) == (409, True)


def test_zones_are_in_pixels_of_the_picture_there_and_back(desktop: TestClient, base: str, signed_site: Any) -> None:
    dock = cameras_of(desktop, base)["dock-1"]["id"]
    square = [{"x": 64, "y": 36}, {"x": 320, "y": 36}, {"x": 320, "y": 180}]
    made = desktop.post(
        f"{base}/api/rois/",
        json={"camera_id": dock, "name": "왼쪽", "points": square, "color": "#00FF00", "zone_type": "warning"},
    )

    assert (made.status_code, set(made.json())) == (200, ZONE_KEYS)
    zone = signed_site.changed.store.rows["dock-1"].settings.zones[1]
    assert (zone.name, zone.kind, zone.polygon) == ("왼쪽", "warning", ((0.1, 0.1), (0.5, 0.1), (0.5, 0.5)))
    assert made.json()["points"] == square
    listed = desktop.get(f"{base}/api/rois?camera_id={dock}&active_only=true").json()
    assert [one["name"] for one in listed] == ["프레스 / Press", "왼쪽"]
    assert len(desktop.get(f"{base}/api/rois").json()) == 3, "and that of gate-1"
    changed = desktop.put(f"{base}/api/rois/{made.json()['id']}", json={**made.json(), "zone_type": "danger"})
    assert (changed.status_code, changed.json()["zone_type"]) == (200, "danger")
    assert signed_site.changed.store.rows["dock-1"].settings.zones[1].polygon == zone.polygon
    assert desktop.delete(f"{base}/api/rois/{made.json()['id']}").status_code == 200
    assert len(signed_site.changed.store.rows["dock-1"].settings.zones) == 1


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"is_active": False}, 409),
        ({"points": [{"x": 0, "y": 0}, {"x": 6400, "y": 0}, {"x": 5, "y": 9}]}, 422),
        ({"points": [{"x": 0, "y": 0}]}, 422),
        ({"points": "x"}, 422),
        ({"zone_type": "safe"}, 422),
    ],
)
def test_a_zone_that_cannot_be_so_is_left_as_it_is(
    desktop: TestClient, base: str, signed_site: Any, change: dict[str, Any], status: int
) -> None:
    dock = cameras_of(desktop, base)["dock-1"]["id"]
    zone = desktop.get(f"{base}/api/rois?camera_id={dock}").json()[0]
    before = signed_site.changed.store.rows["dock-1"]

    refused = desktop.put(f"{base}/api/rois/{zone['id']}", json=change)

    assert (refused.status_code, bool(refused.json()["detail"])) == (status, True)
    assert signed_site.changed.store.rows["dock-1"] == before


def test_a_zone_is_not_drawn_on_a_picture_whose_size_nobody_knows(
    desktop: TestClient, base: str, signed_site: Any, make: Any
) -> None:
    dock = cameras_of(desktop, base)["dock-1"]["id"]
    signed_site.cameras.known["dock-1"] = make.report("dock-1", managed="api")
    points = [{"x": 0, "y": 0}, {"x": 9, "y": 0}, {"x": 5, "y": 9}]

    assert desktop.get(f"{base}/api/rois?camera_id={dock}").json()[0]["points"] == []
    assert desktop.post(f"{base}/api/rois/", json={"camera_id": dock, "points": points}).status_code == 409


def test_events_are_listed_filtered_counted_and_acknowledged(desktop: TestClient, base: str, signed_site: Any) -> None:
    for number in range(5):
        signed_site.events.add(number, detail={"zone_name": "프레스"})
    listed = desktop.get(f"{base}/api/events").json()

    assert [set(event) for event in listed] == [EVENT_KEYS] * 5
    assert [event["id"] for event in listed] == sorted((event["id"] for event in listed), reverse=True)
    first = listed[0]
    assert (first["severity"], first["is_acknowledged"], first["acknowledged_at"]) == ("CRITICAL", False, None)
    assert "프레스" in first["message"]
    zone = next(zone for zone in desktop.get(f"{base}/api/rois").json() if zone["camera_id"] == first["camera_id"])
    assert first["roi_id"] == zone["id"]
    page = desktop.get(f"{base}/api/events?skip=1&limit=2&camera_id={first['camera_id']}&severity=CRITICAL").json()
    assert page == listed[1:3]
    assert desktop.get(f"{base}/api/events/recent?count=2").json() == listed[:2]
    assert len(desktop.get(f"{base}/api/events/unacknowledged").json()) == 5
    assert isinstance(desktop.get(f"{base}/api/events/statistics").json(), dict)
    acknowledged = desktop.post(f"{base}/api/events/{first['id']}/acknowledge").json()
    assert (acknowledged["id"], acknowledged["is_acknowledged"]) == (first["id"], True)
    assert desktop.post(f"{base}/api/events/acknowledge-all").json() == {"acknowledged": 4}
    assert all(row.acknowledged_by == "admin" for row in signed_site.events.rows.values())


def test_a_picture_and_what_is_known_of_the_stream(desktop: TestClient, base: str, signed_site: Any, make: Any) -> None:
    dock = cameras_of(desktop, base)["dock-1"]["id"]
    snapshot = desktop.get(f"{base}/api/stream/{dock}/snapshot?with_detection=true").json()

    assert base64.b64decode(snapshot["frame"]) == b"frame 1"
    assert snapshot["detection"]["persons_count"] == 1
    assert desktop.get(f"{base}/api/stream/{dock}/snapshot").json()["detection"] is None
    info = desktop.get(f"{base}/api/stream/{dock}/info").json()
    assert (info["width"], info["height"], info["total_frames"]) == (640, 360, 0)
    signed_site.cameras.pictures["dock-1"] = make.blind("dock-1")
    blind = desktop.get(f"{base}/api/stream/{dock}/snapshot")
    assert (blind.status_code, "UNMONITORED" in blind.json()["detail"]) == (503, True)


def test_a_stream_starts_with_its_metadata_shows_frames_and_stops(
    desktop: TestClient, base: str, signed_site: Any, make: Any
) -> None:
    dock = cameras_of(desktop, base)["dock-1"]["id"]
    with desktop.websocket_connect(f"{BASE}{base}/ws/stream/{dock}") as socket:
        socket.send_json({"action": "start"})
        metadata, frame = socket.receive_json(), socket.receive_json()
        socket.send_json({"action": "seek", "position_ms": 5})
        refused = socket.receive_json()
        socket.send_json({"action": "reload_rois"})
        socket.send_json({"action": "stop"})

    assert metadata == {
        "type": "metadata", "camera_id": dock, "width": 640, "height": 360, "fps": 25.0, "total_frames": 0,
        "total_duration_ms": 0,
    }  # fmt: skip
    assert set(frame) == FRAME_KEYS
    assert base64.b64decode(frame["frame"]) == b"frame 1"
    assert set(frame["detection"]) == DETECTION_KEYS
    (seen,) = frame["detection"]["detections"]
    assert set(seen) == OBJECT_KEYS
    assert (seen["x1"], seen["y2"], seen["center_x"], seen["track_id"]) == (256.0, 324.0, 320.0, 7)
    (zone,) = frame["rois"]
    assert (set(zone), zone["points"][0]) == (ZONE_KEYS, {"x": 192.0, "y": 108.0})
    assert frame["roi_metrics"] == {str(zone["id"]): {"occupied": True}}
    assert refused["type"] == "error"


def test_a_blind_camera_is_a_card_and_never_its_last_frame(
    desktop: TestClient, base: str, signed_site: Any, make: Any
) -> None:
    dock = cameras_of(desktop, base)["dock-1"]["id"]
    with desktop.websocket_connect(f"{BASE}{base}/ws/stream/{dock}") as socket:
        socket.send_json({"action": "start"})
        assert [socket.receive_json()["type"] for _ in range(2)] == ["metadata", "frame"]
        signed_site.cameras.pictures["dock-1"] = make.blind("dock-1")
        said, *cards = [socket.receive_json() for _ in range(3)]

    assert (said["type"], said["message"]) == ("error", "UNMONITORED: no frame for 5 s")
    assert [base64.b64decode(card["frame"])[:2] for card in cards] == [b"\xff\xd8"] * 2
    assert [card["detection"] for card in cards] == [None, None]


def test_new_events_come_by_the_socket_and_are_acknowledged_through_it(
    desktop: TestClient, base: str, signed_site: Any
) -> None:
    old = signed_site.events.add(1)
    with desktop.websocket_connect(f"{BASE}{base}/ws/events") as socket:
        socket.send_json({"action": "nonsense"})
        assert socket.receive_json()["type"] == "error", "and that the socket follows the log by now"
        new = signed_site.events.add(2)
        event = socket.receive_json()
        socket.send_json({"action": "acknowledge", "event_id": event["id"]})
        socket.send_json({"action": "acknowledge", "event_id": 999999})
        assert socket.receive_json() == {"type": "error", "message": "there is no event 999999"}

    assert (set(event), event["type"]) == (EVENT_KEYS | {"type"}, "event")
    assert signed_site.events.rows[new.event.event_id].acknowledged_by == "admin"
    assert signed_site.events.rows[old.event.event_id].acknowledged_at is None


def follows(socket: Any) -> None:
    """Waits until the socket follows the log."""
    socket.send_json({"action": "nonsense"})
    assert socket.receive_json()["type"] == "error"


def test_what_came_between_two_sockets_of_a_client_is_told_also_what_has_ended_by_then(
    desktop: TestClient, base: str, signed_site: Any, positions: Kept
) -> None:
    now = datetime.now(UTC)
    with desktop.websocket_connect(f"{BASE}{base}/ws/events") as socket:
        follows(socket)
        signed_site.events.add(1, opened_at=now)
        first = socket.receive_json()
    wait_for("its position", lambda: positions.positions, every_s=0.01)
    signed_site.events.add(2, opened_at=now)
    signed_site.events.add(3, opened_at=now, state=EpisodeState.CLOSED, closed_at=now)
    with desktop.websocket_connect(f"{BASE}{base}/ws/events") as socket:
        told = [socket.receive_json() for _ in range(3)]

    assert told[0] == first, "nobody knows whether it arrived: it comes again, by the same number"
    assert len({event["id"] for event in told}) == 3


def test_another_client_begins_with_what_comes(
    desktop: TestClient, tokens: Tokens, base: str, signed_site: Any, positions: Kept
) -> None:
    with desktop.websocket_connect(f"{BASE}{base}/ws/events") as socket:
        follows(socket)
    wait_for("its position", lambda: positions.positions, every_s=0.01)
    signed_site.events.add(1)
    with desktop.websocket_connect(f"{BASE}/legacy/{tokens.viewer}/ws/events") as socket:
        follows(socket)
        new = signed_site.events.add(2)
        event = socket.receive_json()

    assert event["created_at"] == new.event.opened_at.isoformat().replace("+00:00", ".000Z")


def test_a_position_counts_what_was_sent_long_enough_ago_and_is_good_for_ten_minutes() -> None:
    store, seconds = Kept(), [0.0]
    noon = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
    resuming = Resuming(store, "pc-1", lambda: noon + timedelta(seconds=seconds[0]))

    async def kept() -> int | None:
        await resuming.keep()
        return store.positions["pc-1"].cursor if store.positions else None

    async def run() -> None:
        assert await kept() is None
        for seconds[0], cursor in ((0.0, 3), (0.2, 4), (0.4, 5), (10.0, 7), (44.0, 8)):
            resuming.told(cursor)
            assert await kept() == 3, "a young socket may have reached nobody"
        seconds[0] = 56.0
        resuming.told(8)
        assert await kept() == 7
        seconds[0] = 10.0 + 600
        assert await resuming.left_off() == DesktopPosition(7, noon + timedelta(seconds=10))
        seconds[0] += 1
        assert await resuming.left_off() is None

    asyncio.run(run())


def test_an_event_that_could_have_no_number_is_told_when_the_database_is_back(
    desktop: TestClient, base: str, signed_site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers, refused = WholeNumberStore.numbers, []

    async def once_away(self: WholeNumberStore, kind: Any, names: Any) -> Any:
        if not refused:
            refused.append(names)
            raise DatabaseUnavailable("locked")
        return await numbers(self, kind, names)

    with desktop.websocket_connect(f"{BASE}{base}/ws/events") as socket:
        socket.send_json({"action": "nonsense"})
        assert socket.receive_json()["type"] == "error", "and that the socket follows the log by now"
        monkeypatch.setattr(WholeNumberStore, "numbers", once_away)
        signed_site.events.add(2)

        assert socket.receive_json()["type"] == "event"
    assert len(refused) == 1


def test_an_unknown_camera_is_closed_with_4004(desktop: TestClient, base: str) -> None:
    with desktop.websocket_connect(f"{BASE}{base}/ws/stream/999999") as socket:
        assert closed_by(socket)[0] == 4004


@pytest.mark.parametrize("name", ["revoked", "expired", "foreign"])
def test_without_a_token_that_holds_there_is_nothing_here(desktop: TestClient, tokens: Tokens, name: str) -> None:
    base = f"/legacy/{getattr(tokens, name)}"

    assert desktop.get(f"{base}/api/cameras").status_code == 404
    assert desktop.post(f"{base}/api/events/acknowledge-all").status_code == 404
    with pytest.raises(WebSocketDisconnect) as refused, desktop.websocket_connect(f"{BASE}{base}/ws/events"):
        pass
    assert refused.value.code == 4401


def test_a_token_may_do_what_its_role_may_and_sees_its_cameras_only(
    desktop: TestClient, tokens: Tokens, base: str
) -> None:
    numbers = cameras_of(desktop, base)
    viewer, other = f"/legacy/{tokens.viewer}", f"/legacy/{tokens.other}"

    assert desktop.get(f"{viewer}/api/cameras").status_code == 200
    assert desktop.put(f"{viewer}/api/cameras/{numbers['dock-1']['id']}", json={"name": "x"}).status_code == 403
    assert desktop.delete(f"{viewer}/api/cameras/{numbers['dock-1']['id']}").status_code == 403
    assert desktop.get(f"{other}/api/cameras").json() == []
    assert desktop.get(f"{other}/api/cameras/{numbers['gate-1']['id']}").status_code == 404
    assert desktop.get(f"{other}/api/stream/{numbers['gate-1']['id']}/snapshot").status_code == 404
    with desktop.websocket_connect(f"{BASE}{other}/ws/stream/{numbers['gate-1']['id']}") as socket:
        assert closed_by(socket)[0] == 4004


def test_the_token_is_in_no_log(desktop: TestClient, tokens: Tokens, base: str) -> None:
    with capture_logs() as lines:
        desktop.get(f"{base}/api/cameras")
        desktop.get(f"{base}/api/nothing")
        desktop.get(f"/legacy/{tokens.revoked}/api/cameras")
        with desktop.websocket_connect(f"{BASE}{base}/ws/events"):
            pass

    text = json.dumps(lines, default=str)
    assert tokens.admin not in text
    assert tokens.revoked not in text


def test_a_site_that_does_not_serve_it_has_no_such_address(signed_client: TestClient, base: str) -> None:
    assert signed_client.get(f"{base}/api/cameras").status_code == 404
