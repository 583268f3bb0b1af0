"""What holds for every socket: who is let in, what is refused, and how it is closed."""

from dataclasses import replace

import pytest
from counterparts.viewer_sockets import BASE, EVENTS, LIVE, client_of, closed_by, frame_of
from counterparts.waiting import wait_for
from starlette.websockets import WebSocketDisconnect


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

        closed = closed_by(socket)

    assert closed[0] == code
    assert closed[1]


def test_a_binary_message_closes_the_socket(client):
    with client.websocket_connect(LIVE) as socket:
        socket.send_bytes(b"\x00")

        assert closed_by(socket)[0] == 1003


@pytest.mark.parametrize("name", ["gate-9", "Gate_1", "%00"])
def test_an_unknown_camera_is_4004(client, name):
    with client.websocket_connect(f"{BASE}/api/v1/cameras/{name}/live") as socket:
        assert closed_by(socket)[0] == 4004


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (f"{LIVE}&fps=2", "fps"),
        (f"{LIVE}0", "fps"),
        (f"{LIVE}&profile=x", "profile"),
        (f"{EVENTS}?cursor=-1", "cursor"),
        (f"{EVENTS}?cursor=x", "cursor"),
        (f"{EVENTS}?after=1", "after"),
        (f"{EVENTS}?cursor=5", "cursor"),
    ],
)
def test_a_wrong_parameter_closes_the_socket_with_its_name(client, path, named):
    with client.websocket_connect(path) as socket:
        code, reason = closed_by(socket)

    assert code == 4400
    assert named in reason


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
            wait_for("both sockets", lambda: site.metrics.open == 2, every_s=0.01)
            with client.websocket_connect(LIVE) as third:
                assert closed_by(third)[0] == 1013
            assert client.get("/api/v1/cameras/gate-1/mjpeg").status_code == 503
            assert client.get("/health").status_code == 200
        wait_for("their end", lambda: site.metrics.open == 0, every_s=0.01)
        with client.websocket_connect(LIVE) as again:
            assert frame_of(again)[1]

    assert site.metrics.most_open == 2


def test_when_the_ingress_stops_sockets_hear_1012(site, make):
    site.cameras.pictures["gate-1"] = make.picture()
    with client_of(site, make.QUICK) as client:  # noqa: SIM117
        with client.websocket_connect(LIVE) as live, client.websocket_connect(EVENTS) as events:
            frame_of(live)
            client.portal.call(client.app.state.live.say_goodbye)

            assert (closed_by(live)[0], closed_by(events)[0]) == (1012, 1012)
