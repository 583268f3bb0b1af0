"""MJPEG at the level of ASGI, because the TestClient waits for the end of an answer before it shows any of it."""

import asyncio
from dataclasses import replace

import cv2
import numpy as np

PART = b"--safe-yolo-frame\r\n"


def parts_of(body):
    return [part.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n") for part in body.split(PART)[1:]]


async def get(app, path, enough, headers=(), answer=None):
    """Status and body of a GET whose client goes as soon as `enough(body)`; `answer` has its headers too."""
    answer = {} if answer is None else answer
    answer |= {"status": 0, "body": b""}
    gone = asyncio.Event()

    async def receive():
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        nonlocal answer
        if message["type"] == "http.response.start":
            answer |= {"status": message["status"], "headers": dict(message["headers"])}
        answer["body"] += message.get("body", b"")
        if enough(answer["body"]):
            gone.set()
        await asyncio.sleep(0)

    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": [(b"host", b"localhost"), *headers], "http_version": "1.1", "scheme": "http", "root_path": "",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
    }  # fmt: skip
    async with asyncio.timeout(20):
        await app(scope, receive, send)
    return answer["status"], answer["body"]


def test_frames_come_until_the_camera_goes_blind_and_then_a_card(site, make):
    site.cameras.pictures["gate-1"] = make.picture()

    def enough(body):
        if b"frame 1" in body:
            site.cameras.pictures["gate-1"] = make.blind()
        return len(parts_of(body)) >= 3

    async def watch():
        app = site.app(replace(make.QUICK, mjpeg_fps=50.0))
        found = await get(app, "/api/v1/cameras/gate-1/mjpeg", enough)
        await app.state.live.stop()
        return found

    status, body = asyncio.run(watch())
    frames = parts_of(body)
    card = cv2.imdecode(np.frombuffer(frames[-1], np.uint8), cv2.IMREAD_COLOR)

    assert (status, frames[0]) == (200, b"frame 1")
    assert frames.count(b"frame 1") == 1
    assert card.shape == (360, 640, 3)
    assert (site.metrics.most_open, site.metrics.open) == (1, 0)


def test_a_stream_ends_after_its_bytes_because_nobody_acknowledges_them(site, make):
    site.cameras.pictures["gate-1"] = make.blind()

    async def watch():
        app = site.app(replace(make.QUICK, mjpeg_bytes=50_000))
        found = await get(app, "/api/v1/cameras/gate-1/mjpeg", lambda body: False)
        await app.state.live.stop()
        return found

    _, body = asyncio.run(watch())

    assert 50_000 <= len(body) < 150_000


def test_a_stream_ends_when_the_ingress_stops(site, make):
    site.cameras.pictures["gate-1"] = make.blind()

    async def watch():
        app = site.app()
        watching = asyncio.create_task(get(app, "/api/v1/cameras/gate-1/mjpeg", lambda body: False))
        while not site.metrics.open:  # noqa: ASYNC110 - a fake has no event to wait for
            await asyncio.sleep(0.005)
        await app.state.live.stop()
        await asyncio.wait_for(watching, 10)

    asyncio.run(watch())

    assert site.metrics.open == 0


def test_streams_have_places_of_their_own_and_who_finds_none_is_told_when_to_come_back(site, make):
    site.cameras.pictures["gate-1"] = make.blind()
    path, refused = "/api/v1/cameras/gate-1/mjpeg", {}

    async def watch():
        app = site.app(replace(make.QUICK, mjpeg_places=1))
        watching = asyncio.create_task(get(app, path, lambda body: False))
        while not site.metrics.open:  # noqa: ASYNC110 - a fake has no event to wait for
            await asyncio.sleep(0.005)
        await get(app, path, lambda body: False, answer=refused)
        await app.state.live.stop()
        await asyncio.wait_for(watching, 10)
        return app.state.live.places.taken

    left = asyncio.run(watch())

    assert (refused["status"], refused["headers"][b"content-type"]) == (503, b"application/problem+json")
    assert int(refused["headers"][b"retry-after"]) >= 1
    assert b"MJPEG" in refused["body"]
    assert (left, site.metrics.most_open) == (0, 1)


def test_a_stream_ends_when_the_token_that_opened_it_is_revoked(signed_site, signed_engine, tokens, make):
    signed_site.cameras.pictures["gate-1"] = make.blind()
    accounts = signed_site.accounts

    async def watch():
        app = signed_site.app(replace(make.QUICK, prove_every_s=0.05), close_engine=signed_engine.dispose)
        bearer = (b"authorization", tokens.header("viewer")["Authorization"].encode())
        watching = asyncio.create_task(get(app, "/api/v1/cameras/gate-1/mjpeg", lambda body: False, [bearer]))
        while not signed_site.metrics.open:  # noqa: ASYNC110 - a fake has no event to wait for
            await asyncio.sleep(0.005)
        await accounts.tokens.revoke(accounts.credential(tokens.viewer).row)
        accounts.forget_all()
        status, body = await asyncio.wait_for(watching, 10)
        await app.state.live.stop()
        await signed_engine.dispose()
        return status, body

    status, body = asyncio.run(watch())

    assert (status, bool(parts_of(body))) == (200, True)
    assert signed_site.metrics.open == 0
