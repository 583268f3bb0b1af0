import json
import time
from dataclasses import replace

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from cluster.safety.status import CameraStatus

BASE = "ws://localhost:8001"
LIVE = f"{BASE}/api/v1/cameras/gate-1/live?fps=60"
EVENTS = f"{BASE}/api/v1/events/live"


def split(message):
    length = int.from_bytes(message[:4], "big")
    return json.loads(message[4 : 4 + length]), message[4 + length :]


def frame_of(socket, acknowledge=True):
    header, jpeg = split(socket.receive_bytes())
    if acknowledge:
        socket.send_json({"ack": header["sequence"]})
    return header, jpeg


def wait_until(condition, seconds=10.0):
    end_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end_s, "the condition did not come true"
        time.sleep(0.005)


def client_of(site, limits, **options):
    return TestClient(site.app(limits, **options), base_url="http://localhost:8001")


def test_a_frame_message_holds_everything_that_is_drawn(client, site, make):
    site.cameras.pictures["gate-1"] = make.picture(sequence=5)

    with client.websocket_connect(LIVE) as socket:
        header, jpeg = frame_of(socket)

    assert jpeg == b"frame 5"
    assert header["correlation_id"] == "gate-1-3-5"
    assert (header["status"], header["width"], header["time"]) == ("MONITORED", 640, "2026-11-22T03:00:05.000Z")
    assert header["boxes"] == [{"label": "person", "confidence": 0.78, "box": [0.4, 0.2, 0.6, 0.9], "track_id": 7}]
    assert header["boxes_sequence"] == 5
    assert (header["zones"][0]["zone_id"], header["zones"][0]["occupied"]) == ("press", True)


def test_at_most_two_frames_are_on_their_way_and_the_next_is_the_newest(client, site, make):
    site.cameras.pictures["gate-1"] = make.picture(sequence=1)
    with client.websocket_connect(LIVE) as socket:
        first, _ = frame_of(socket, acknowledge=False)
        site.cameras.pictures["gate-1"] = make.picture(sequence=2)
        second, _ = frame_of(socket, acknowledge=False)

        for sequence in range(3, 40):
            site.cameras.pictures["gate-1"] = make.picture(sequence=sequence)
            pulls = site.cameras.pulls
            wait_until(lambda pulls=pulls: site.cameras.pulls > pulls)
        socket.send_json({"ack": 1})
        third, _ = frame_of(socket)

    # Had a third frame been on its way, it would have been one of those before the last.
    assert [first["sequence"], second["sequence"], third["sequence"]] == [1, 2, 39]


def test_a_slow_viewer_delays_nobody_and_shares_the_puller(client, site, make):
    site.cameras.pictures["gate-1"] = make.picture(sequence=1)
    with client.websocket_connect(LIVE) as slow, client.websocket_connect(LIVE) as fast:
        frame_of(slow, acknowledge=False)
        seen = []
        for sequence in range(2, 30):
            seen.append(frame_of(fast)[0]["sequence"])
            site.cameras.pictures["gate-1"] = make.picture(sequence=sequence)

        assert seen == list(range(1, 29))
        assert site.cameras.pulling <= 1


def test_viewers_of_different_profiles_have_a_puller_each_and_the_last_one_stops_it(client, site, make):
    site.cameras.pictures["gate-1"] = make.picture()
    with client.websocket_connect(LIVE) as wall, client.websocket_connect(f"{LIVE}&profile=full") as full:
        frame_of(wall)
        frame_of(full)
        assert len(client.app.state.live.pullers) == 2

    wait_until(lambda: len(client.app.state.live.pullers) == 0)
    assert site.cameras.pulling == 0


@pytest.mark.parametrize("how", ["says it", "process dies", "old jpeg beside a blind status"])
def test_a_camera_that_goes_blind_sends_its_status_again_and_again_and_no_picture(client, site, make, how):
    site.cameras.pictures["gate-1"] = make.picture()
    with client.websocket_connect(LIVE) as socket:
        frame_of(socket)
        if how == "process dies":
            site.cameras.gone.add("gate-1")
        else:
            lies = make.picture(sequence=9, status=CameraStatus.UNMONITORED, reason="frozen")
            site.cameras.pictures["gate-1"] = make.blind() if how == "says it" else lies

        messages = [frame_of(socket) for _ in range(3)]

    assert [(header["status"], jpeg) for header, jpeg in messages] == [("UNMONITORED", b"")] * 3
    assert all(header["reason"] and not header["boxes"] for header, _ in messages)


def test_a_camera_that_sees_again_is_shown_again(client, site, make):
    site.cameras.pictures["gate-1"] = make.blind()
    with client.websocket_connect(LIVE) as socket:
        assert frame_of(socket)[0]["status"] == "UNMONITORED"
        site.cameras.pictures["gate-1"] = make.picture(sequence=1, epoch=4)

        jpegs = [frame_of(socket)[1]]
        while not jpegs[-1]:
            jpegs.append(frame_of(socket)[1])

    assert jpegs[-1] == b"frame 1"


def test_an_actor_that_answers_nothing_new_for_long_is_believed_only_with_the_supervisor(site, make):
    site.cameras.pictures["gate-1"] = make.picture()
    with client_of(site, replace(make.QUICK, silent_after_s=0.3, pull_timeout_s=0.05)) as client:  # noqa: SIM117
        with client.websocket_connect(LIVE) as socket:
            frame_of(socket)
            site.cameras.known["gate-1"] = make.report("gate-1", CameraStatus.UNMONITORED, reason="process restarts")

            header, jpeg = frame_of(socket)

    assert (header["status"], header["reason"], jpeg) == ("UNMONITORED", "process restarts", b"")


def test_a_viewer_that_acknowledges_nothing_is_closed(site, make):
    site.cameras.pictures["gate-1"] = make.blind()
    with client_of(site, replace(make.QUICK, acknowledge_within_s=0.1)) as client:  # noqa: SIM117
        with client.websocket_connect(LIVE) as socket:
            code, reason = _closed_by(socket)

    assert code == 4008
    assert "acknowledgement" in reason
    assert site.metrics.open == 0


def test_an_acknowledgement_is_measured(client, site, make):
    site.cameras.pictures["gate-1"] = make.picture()
    with client.websocket_connect(LIVE) as socket:
        frame_of(socket)
        wait_until(lambda: site.metrics.acknowledged_s)

    assert len(site.metrics.acknowledged_s) == 1


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", 4400),
        ("[]", 4400),
        ("7", 4400),
        ('{"ack": "7"}', 4400),
        ('{"ack": true}', 4400),
        ('{"ack": -1}', 4400),
        ('{"ack": 1.5}', 4400),
        ('{"nack": 1}', 4400),
        ('{"ack": 1, "x": 2}', 4400),
        ("{}", 4400),
        ("[" * 900, 4400),
        ('{"ack": ' + "1" * 2000 + "}", 1009),
    ],
)
@pytest.mark.parametrize("path", [LIVE, EVENTS])
def test_a_wrong_message_closes_the_socket_with_a_reason(client, path, message, code):
    with client.websocket_connect(path) as socket:
        socket.send_text(message)

        closed = _closed_by(socket)

    assert closed[0] == code
    assert closed[1]


def _closed_by(socket):
    for _ in range(100):
        message = socket.receive()
        if message["type"] == "websocket.close":
            return message["code"], message["reason"]
    raise AssertionError("the socket stayed open")


def test_a_binary_message_closes_the_socket(client):
    with client.websocket_connect(LIVE) as socket:
        socket.send_bytes(b"\x00")

        assert _closed_by(socket)[0] == 1003


@pytest.mark.parametrize("name", ["gate-9", "Gate_1", "%00"])
def test_an_unknown_camera_is_4004(client, name):
    with client.websocket_connect(f"{BASE}/api/v1/cameras/{name}/live") as socket:
        assert _closed_by(socket)[0] == 4004


@pytest.mark.parametrize(
    "path", [f"{LIVE}&fps=2", f"{LIVE}0", f"{LIVE}&profile=x",
             f"{EVENTS}?cursor=-1", f"{EVENTS}?cursor=x", f"{EVENTS}?after=1", f"{EVENTS}?cursor=5"],
)  # fmt: skip
def test_a_wrong_parameter_closes_the_socket_with_its_name(client, path):
    with client.websocket_connect(path) as socket:
        code, reason = _closed_by(socket)

    assert code == 4400
    assert any(name in reason for name in ("fps", "profile", "cursor", "after"))


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:9999", "null", "http://localhost.evil"])
@pytest.mark.parametrize("path", [LIVE, EVENTS])
def test_sockets_of_other_sites_are_refused(client, path, origin):
    socket = client.websocket_connect(path, headers={"Origin": origin})

    with pytest.raises(WebSocketDisconnect) as refused:
        socket.__enter__()

    assert refused.value.code == 4403


def test_a_socket_of_our_own_page_is_taken(client, site, make):
    site.cameras.pictures["gate-1"] = make.picture()

    headers = {"Origin": "http://localhost:8001", "Host": "localhost:8001"}
    with client.websocket_connect(LIVE, headers=headers) as socket:
        assert frame_of(socket)[1]


def test_sockets_leave_places_for_health_and_come_again_when_one_is_free(site, make):
    site.cameras.pictures["gate-1"] = make.picture()
    with client_of(site, replace(make.QUICK, places=2)) as client:
        with client.websocket_connect(LIVE), client.websocket_connect(EVENTS):
            wait_until(lambda: site.metrics.open == 2)
            with client.websocket_connect(LIVE) as third:
                assert _closed_by(third)[0] == 1013
            assert client.get("/api/v1/cameras/gate-1/mjpeg").status_code == 503
            assert client.get("/health").status_code == 200
        wait_until(lambda: site.metrics.open == 0)
        with client.websocket_connect(LIVE) as again:
            assert frame_of(again)[1]

    assert site.metrics.most_open == 2


def test_when_the_ingress_stops_sockets_hear_1012(site, make):
    site.cameras.pictures["gate-1"] = make.picture()
    with client_of(site, make.QUICK) as client:  # noqa: SIM117
        with client.websocket_connect(LIVE) as live, client.websocket_connect(EVENTS) as events:
            frame_of(live)
            client.portal.call(client.app.state.live.say_goodbye)

            assert (_closed_by(live)[0], _closed_by(events)[0]) == (1012, 1012)


def _events(socket, count):
    got = []
    while len(got) < count:
        message = socket.receive_json()
        if message["type"] == "event":
            got.append(message)
    return got


def test_events_resume_from_a_cursor_without_a_hole(client, site):
    for number in range(10):
        site.events.add(number)
    with client.websocket_connect(f"{EVENTS}?cursor=0") as socket:
        before = [message["cursor"] for message in _events(socket, 4)]

    with client.websocket_connect(f"{EVENTS}?cursor={before[-1]}") as socket:
        after = [message["cursor"] for message in _events(socket, 6)]
        site.events.add(11)
        after += [message["cursor"] for message in _events(socket, 1)]

    assert before + after == list(range(1, 12))


def test_without_a_cursor_only_what_comes_is_told(client, site):
    site.events.add(1)
    with client.websocket_connect(EVENTS) as socket:
        assert socket.receive_json() == {"type": "status", "database": "ok", "cursor": 1}
        site.events.add(2)

        message = _events(socket, 1)[0]

    assert (message["cursor"], message["kind"], message["event"]["correlation_id"]) == (2, "event", "gate-1-3-2")


def test_many_viewers_read_new_changes_from_one_follower(client, site):
    sockets = [client.websocket_connect(EVENTS) for _ in range(5)]
    for socket in sockets:
        socket.__enter__()
        socket.receive_json()
    for number in range(20):
        site.events.add(number)

    seen = [[message["cursor"] for message in _events(socket, 20)] for socket in sockets]

    assert seen == [list(range(1, 21))] * 5
    for socket in sockets:
        socket.__exit__(None, None, None)


def test_a_database_that_goes_is_told_once_and_nothing_is_lost(client, site):
    with client.websocket_connect(EVENTS) as socket:
        socket.receive_json()
        site.events.away = True
        away = socket.receive_json()
        heartbeats = [socket.receive_json()["type"] for _ in range(2)]
        site.events.add(1)
        site.events.away = False

        rest = [socket.receive_json() for _ in range(2)]

    assert (away["type"], away["database"]) == ("status", "away")
    assert heartbeats == ["heartbeat", "heartbeat"]
    assert {message["type"] for message in rest} == {"status", "event"}


def test_a_viewer_that_comes_while_the_database_is_away_is_told_and_then_served(client, site):
    site.events.add(1)
    site.events.away = True
    with client.websocket_connect(f"{EVENTS}?cursor=0") as socket:
        assert socket.receive_json()["database"] == "away"
        site.events.away = False

        assert _events(socket, 1)[0]["cursor"] == 1


def test_a_viewer_of_events_that_acknowledges_nothing_resumes(site, make):
    for number in range(10):
        site.events.add(number)
    with client_of(site, replace(make.QUICK, changes_on_their_way=4, changes_grace_s=0.5)) as client:
        with client.websocket_connect(f"{EVENTS}?cursor=0") as silent:
            seen = [message["cursor"] for message in _events(silent, 4)]
            code, reason = _closed_by(silent)
        with client.websocket_connect(f"{EVENTS}?cursor={seen[-1]}") as heard:
            for _ in range(6):
                seen.append(_events(heard, 1)[0]["cursor"])
                heard.send_json({"ack": seen[-1]})

    assert (code, "resume from 4" in reason) == (4009, True)
    assert seen == list(range(1, 11))


def test_the_follower_rests_when_nobody_follows(client, site):
    with client.websocket_connect(EVENTS) as socket:
        socket.receive_json()
    task = client.app.state.live.changes._task

    wait_until(task.done)
