"""The door: every line of the table of roles against everybody who may come, and how sockets and cookies are let in."""

import re

import pytest
from counterparts.access_table import CALLERS, HTTP_LINES, LET_IN, SOCKET_CODES, SOCKET_LINES, expected, page
from counterparts.signed_in import PASSWORD, open_cheaply
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from cluster.settings.base import PROJECT_ROOT
from deployments.ingress.access import principal_of
from deployments.ingress.sign_in import SignIn

SITE = "ws://localhost:8001"


async def inside(scope, receive, send):
    """What the door protects: says who came in."""
    if scope["type"] == "lifespan":
        for _ in range(2):
            await send({"type": f"{(await receive())['type']}.complete"})
        return
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": scope["query_string"].decode()})
        await send({"type": "websocket.close", "code": 1000})
        return
    who = principal_of(HTTPConnection(scope))
    await JSONResponse({"name": who.name, "cameras": sorted(who.cameras or ())})(scope, receive, send)


@pytest.fixture
def door(signed_site, signed_engine):
    with TestClient(SignIn(inside, signed_site.accounts), base_url="http://localhost:8001") as client:
        yield client
        client.portal.call(signed_engine.dispose)


def path_of(line):
    return re.sub(r"\{[^}]*\}", "gate-1", line.partition(" ")[2])


@pytest.mark.parametrize("caller", CALLERS)
def test_every_route_lets_in_whom_the_table_says(door, tokens, caller):
    for line in HTTP_LINES:
        answer = door.request(line.partition(" ")[0], path_of(line), headers=tokens.header(caller))

        assert answer.status_code == expected(caller, line), line
        if answer.status_code == 401:
            assert answer.headers["www-authenticate"].startswith("Bearer")
        if answer.status_code != LET_IN:
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("caller", CALLERS)
def test_every_socket_lets_in_whom_the_table_says(door, tokens, caller):
    for line in SOCKET_LINES:
        status = expected(caller, line)
        with door.websocket_connect(path_of(line), headers=tokens.header(caller)) as socket:
            if status == LET_IN:
                socket.receive_text()
            with pytest.raises(WebSocketDisconnect) as closed:
                socket.receive_text()

        assert closed.value.code == SOCKET_CODES[status], line


def test_the_page_about_it_is_what_was_tested():
    assert (PROJECT_ROOT / "docs" / "api_access.md").read_text() == page()


def test_who_sees_one_camera_only_is_let_in_to_that_one(door, tokens):
    header = tokens.header("other")

    assert door.get("/api/v1/cameras/gate-2", headers=header).json() == {"name": "other", "cameras": ["gate-2"]}
    hidden = door.get("/api/v1/cameras/gate-1", headers=header).json()["detail"]
    unknown = door.get("/api/v1/cameras/gate-9", headers=header).json()["detail"]
    assert hidden.replace("gate-1", "gate-9") == unknown, "nobody learns that there is a gate-1"


def test_an_open_door_shows_no_camera_to_a_stranger(door):
    assert door.get("/health").json() == {"name": "stranger", "cameras": []}


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Bearer x.y.z", "Basic YWRtaW46YWRtaW4=", "Bearer " + "e" * 9000, "bearer null", "\x00"],
)
def test_what_is_no_token_is_nobody(door, header):
    assert door.get("/api/v1/cameras", headers={"Authorization": header}).status_code == 401


def test_a_wrong_header_does_not_fall_back_to_the_cookie(signed_client, tokens):
    _sign_in(signed_client)

    answer = signed_client.get("/api/v1/cameras", headers=tokens.header("revoked"))

    assert answer.status_code == 401


def _ticket(client, tokens, name):
    return client.post("/api/v1/tickets", headers=tokens.header(name)).json()["ticket"]


def test_a_ticket_opens_one_socket_once_and_is_no_parameter_of_it(signed_client, tokens):
    path = f"{SITE}/api/v1/events/live?cursor=0&ticket={_ticket(signed_client, tokens, 'viewer')}"

    with signed_client.websocket_connect(path) as socket:
        assert socket.receive_json()["type"] == "heartbeat"
    with signed_client.websocket_connect(path) as socket, pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_text()
    assert closed.value.code == 4401


def test_a_ticket_of_who_was_signed_out_since_opens_nothing(signed_client):
    csrf = _sign_in(signed_client)
    ticket = signed_client.post("/api/v1/tickets", headers=csrf).json()["ticket"]
    signed_client.delete("/api/v1/session", headers=csrf)

    with (
        signed_client.websocket_connect(f"{SITE}/api/v1/events/live?ticket={ticket}") as socket,
        pytest.raises(WebSocketDisconnect) as closed,
    ):
        socket.receive_text()
    assert closed.value.code == 4401


def test_a_ticket_opens_no_route(signed_client, tokens):
    ticket = _ticket(signed_client, tokens, "admin")

    assert signed_client.get(f"/api/v1/cameras?ticket={ticket}").status_code == 401


def test_a_ticket_shows_no_more_than_its_owner_sees(signed_client, tokens):
    path = f"{SITE}/api/v1/cameras/gate-1/live?ticket={_ticket(signed_client, tokens, 'other')}"

    with signed_client.websocket_connect(path) as socket, pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_text()
    assert closed.value.code == 4004


def test_a_socket_of_another_site_is_not_even_accepted_with_a_cookie(signed_client):
    _sign_in(signed_client)
    headers = {"Origin": "http://evil.example"}

    with (
        pytest.raises(WebSocketDisconnect) as refused,
        signed_client.websocket_connect(f"{SITE}/api/v1/events/live", headers=headers),
    ):
        pass
    assert refused.value.code == 4403


def test_the_metrics_may_ask_for_a_token_too(signed_engine, tokens):
    accounts = open_cheaply(signed_engine, metrics="token")
    with TestClient(SignIn(inside, accounts), base_url="http://localhost:8001") as door:
        assert door.get("/metrics").status_code == 401
        assert door.get("/metrics", headers=tokens.header("viewer")).status_code == 200
        assert door.get("/health").status_code == 200
        door.portal.call(signed_engine.dispose)


@pytest.mark.parametrize(
    ("address", "status"),
    [("127.0.0.1", 200), ("127.8.8.8", 200), ("::1", 200), ("::ffff:127.0.0.1", 200), ("10.0.0.9", 403), ("::2", 403)],
)
def test_without_sign_in_this_machine_may_do_everything_and_no_other_anything(address, status):
    with TestClient(SignIn(inside, None), client=(address, 50000)) as door:
        assert door.get("/api/v1/users").status_code == status
        assert door.get("/health").status_code == 200


def _sign_in(client, name="viewer"):
    answer = client.post("/api/v1/session", json={"name": name, "password": PASSWORD})
    assert answer.status_code == 200
    return {"X-CSRF-Token": answer.json()["csrf"]}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1/users/%00", None),
        ("GET", "/api/v1/audit?who=a%00", None),
        ("DELETE", "/api/v1/tokens/%00", None),
        ("POST", "/api/v1/session", {"name": "a\x00", "password": PASSWORD}),
    ],
)
def test_a_nul_is_the_fault_of_who_sent_it_and_not_of_the_database(signed_client, tokens, method, path, body):
    answer = signed_client.request(method, path, json=body, headers=tokens.header("admin"))

    assert answer.status_code == 400, answer.text


def test_without_sign_in_no_page_gets_in_by_a_name_of_its_own_whatever_the_site_serves(site, signed_site):
    evil = {"Host": "rebound.example"}
    with TestClient(signed_site.app(hosts=("*",)), client=("127.0.0.1", 1)) as client:
        assert client.get("/api/v1/session", headers=evil).status_code == 200
    site.accounts = None
    with TestClient(site.app(hosts=("*", "site.example")), client=("127.0.0.1", 1)) as client:
        assert client.get("/api/v1/cameras", headers=evil).status_code == 421
        assert client.get("/api/v1/cameras", headers={"Host": "site.example"}).status_code == 200
        assert client.get("/api/v1/cameras", headers={"Host": "localhost:8001"}).status_code == 200
