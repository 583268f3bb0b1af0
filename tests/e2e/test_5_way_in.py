"""The way in, with sign-in on, in front of a whole site: somebody works at the page in real Chromium, and a program
changes a zone of a camera that runs."""

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

import httpx
import pytest
import yaml
from counterparts.chromium import open_chromium
from counterparts.secrets_used import secret
from websockets.sync.client import ClientConnection, connect

from cluster.settings.base import PROJECT_ROOT

pytestmark = pytest.mark.timeout(600)

DOOR, NAME = "door-1", "뒷문 / Back door"
PASSWORD = secret("password of kim")
PRESS = ((0.35, 0.3), (0.65, 0.3), (0.65, 0.99), (0.35, 0.99))
"""Where people of the demo clip go."""
SHOTS = PROJECT_ROOT / "build" / "screens"
LIMIT_MS = 60_000
EVENT_MS = 240_000
"""Both end a broken test on a busy machine. Somebody comes by every 12 s."""
LONGEST_CHANGE_S = 5.0
"""Ends a broken test on a busy machine; what is asked for is 1 s, and the figure is printed."""


class SignedIn:
    """The site's API for kim, an administrator with a token."""

    def __init__(self, site: Any) -> None:
        self.site = site
        with httpx.Client(base_url=site.page, timeout=30, trust_env=False) as client:
            session = client.post("/api/v1/session", json={"name": "kim", "password": PASSWORD}).raise_for_status()
            csrf = {"X-CSRF-Token": session.json()["csrf"]}
            body = {"name": "e2e", "role": "admin", "expires_in_days": 1}
            made = client.post("/api/v1/tokens", json=body, headers=csrf).raise_for_status()
        self.header = {"Authorization": f"Bearer {made.json()['token']}"}

    def ask(self, method: str, path: str, *, revision: str = "", **options: Any) -> httpx.Response:
        headers = {**self.header, **({"If-Match": revision} if revision else {})}
        address = f"{self.site.page}/api/v1{path}"
        return httpx.request(method, address, headers=headers, timeout=30, trust_env=False, **options)

    def report(self) -> dict[str, Any]:
        return dict(self.ask("GET", f"/cameras/{DOOR}").json())

    def report_of(self, revision: int) -> dict[str, Any] | None:
        """None as long as the actor goes by another revision of its settings."""
        report = self.report()
        return report if report["revision"] == revision else None

    def watched(self) -> bool:
        report = self.report()
        age_s = report.get("inference_age_s")
        return report.get("status") == "MONITORED" and age_s is not None and age_s < 2

    def revision(self) -> str:
        return str(self.ask("GET", f"/cameras/{DOOR}/zones").headers["ETag"])

    def events(self) -> list[dict[str, Any]]:
        return list(self.ask("GET", f"/events?camera_id={DOOR}&event_type=DANGER_ZONE_INTRUSION").json()["events"])


@pytest.fixture(scope="module")
def signed(site: Any) -> Iterator[SignedIn]:
    """The ingress with sign-in on, and a camera beside the declared one that was made through the API."""
    settings = yaml.safe_load((site.folder / "site.yaml").read_text())
    (site.folder / "signed.yaml").write_text(yaml.safe_dump({**settings, "sign_in": {"enabled": True}}))
    site.wait_for_status("MONITORED")
    site.environment["SAFE_YOLO_PASSWORD"] = PASSWORD
    added = site.command("users", "add", "kim", "--role", "admin")
    assert added.returncode == 0, added.stderr
    config = site.config()
    (ingress,) = [one for one in config["applications"] if one["name"] == "ingress"]
    ingress["args"] |= {"site": str(site.folder / "signed.yaml"), "release": "signed"}
    (declared,) = _deployment(config, "CameraSupervisor")["user_config"]["cameras"]
    declared["detect_fps"] = 1.0  # the model is the other camera's
    site.deploy(config)
    site.wait_for("the door is locked", lambda: _status(site) == 401)
    signed = SignedIn(site)
    camera = {"camera_id": DOOR, "name": NAME, "source": _address(site)}
    signed.ask("POST", "/cameras", json=camera).raise_for_status()
    try:
        site.wait_for("the camera is watched", signed.watched)
        yield signed
    finally:
        signed.ask("DELETE", f"/cameras/{DOOR}", revision=signed.revision()).raise_for_status()
        site.deploy(site.config())
        site.wait_for("the door is open again", lambda: _status(site) == 200)


def _deployment(config: dict[str, Any], name: str) -> dict[str, Any]:
    deployments = [one for application in config["applications"] for one in application["deployments"]]
    return next(deployment for deployment in deployments if deployment["name"] == name)


def _status(site: Any) -> int:
    return int(site.get("/api/v1/cameras").status_code)


def _address(site: Any) -> str:
    """With the password in it, which the API keeps encrypted."""
    return f"rtsp://viewer:{site.environment['E2E_CAMERA_PASSWORD']}@127.0.0.1:{site.proxy.port}/live"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with open_chromium() as browser:
        yield browser


class Operator:
    """Somebody at the page, which notes what it should not do; it is loaded once."""

    def __init__(self, browser: Any, site: Any) -> None:
        options = {"locale": "ko-KR", "color_scheme": "dark", "timezone_id": "Asia/Seoul"}
        self.page = browser.new_context(viewport={"width": 1440, "height": 900}, **options).new_page()
        self.page.set_default_timeout(LIMIT_MS)
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.goto(site.page)
        self.page.evaluate("window.loadedOnce = true")

    def sign_in(self) -> None:
        self.page.get_by_label("사용자 이름").fill("kim")
        self.page.get_by_label("비밀번호").fill(PASSWORD)
        self.page.get_by_role("button", name="로그인").click()

    def go_to(self, address: str) -> None:
        self.page.evaluate("address => { location.hash = address; }", address)

    def wait_until_live(self) -> None:
        self.page.wait_for_selector(f"article[data-camera={DOOR}][data-live=true]")
        self.page.wait_for_function(_PAINTED, arg=DOOR)

    def draw(self, polygon: tuple[tuple[float, float], ...], zone_id: str) -> None:
        self.page.get_by_role("button", name="구역 그리기").click()
        stage = self.page.locator(".stage")
        stage.scroll_into_view_if_needed()
        box = stage.bounding_box()
        for x, y in polygon:
            self.page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        self.page.get_by_label("구역 ID (비우면 자동)").fill(zone_id)

    def shot(self, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"site-{name}.png")


_PAINTED = """id => { const c = document.querySelector(`article[data-camera=${id}] canvas`);
    return c.width > 0 && c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data[3] === 255; }"""


def test_who_works_at_the_page_draws_a_zone_answers_its_event_and_outlives_the_ingress(
    signed: SignedIn, chromium: Any
) -> None:
    site, operator = signed.site, Operator(chromium, signed.site)
    page = operator.page
    page.wait_for_selector("form.sign-in")
    operator.shot("sign-in")
    operator.sign_in()
    operator.wait_until_live()
    operator.shot("wall")

    operator.go_to(f"#/cameras/{DOOR}")
    operator.wait_until_live()
    operator.draw(PRESS, "drawn")
    operator.shot("drawing")
    page.get_by_role("button", name="저장", exact=True).click()
    page.wait_for_selector("li[data-zone=drawn]")

    operator.go_to("#/live")
    event = page.locator(".event", has_text=NAME).filter(has_text="위험 구역 침입").first
    event.wait_for(timeout=EVENT_MS)
    operator.shot("first-event")
    event.locator(".thumb").click()
    page.locator("#viewer-remark").fill("라인 정지함")
    page.locator("#viewer-acknowledge").click()
    page.wait_for_selector("#viewer-acknowledge:disabled:has-text('kim')")
    operator.shot("acknowledged")
    page.keyboard.press("Escape")
    (answered,) = [one for one in signed.events() if one["acknowledged"]]
    assert (answered["acknowledged_by"], answered["remark"]) == ("kim", "라인 정지함")

    page.click("#language")
    page.wait_for_selector("text=Latest events")
    killed_s = _kill_the_ingress(site)
    page.wait_for_selector(f"article[data-camera={DOOR}][data-live=false]")
    operator.shot("ingress-away")
    operator.wait_until_live()
    page.wait_for_selector("[data-link=live]")
    print(f"the wall is live again {time.monotonic() - killed_s:.1f} s after its ingress was killed")
    operator.shot("ingress-back")

    assert page.locator("form.sign-in").count() == 0
    assert "kim" in page.locator(".who").inner_text()
    assert page.evaluate("window.loadedOnce") is True
    assert operator.faults == []


def _kill_the_ingress(site: Any) -> float:
    """When it was, monotonic."""
    for pid in site.replicas()["Ingress"]:
        os.kill(pid, signal.SIGKILL)
    return time.monotonic()


@dataclass(frozen=True, slots=True)
class SeenFrame:
    """Of a live socket. `at_s`: when it came, monotonic."""

    epoch: int
    sequence: int
    captured_at: datetime
    zones: tuple[str, ...]
    at_s: float


@dataclass
class Watcher:
    """Looks at the door over its live socket."""

    socket: ClientConnection
    seen: list[SeenFrame] = field(default_factory=list)

    def look(self) -> SeenFrame:
        """The next frame, acknowledged."""
        data = self.socket.recv(timeout=30)
        assert isinstance(data, bytes)
        head = json.loads(data[4 : 4 + int.from_bytes(data[:4], "big")])
        self.socket.send(json.dumps({"ack": head["sequence"]}))
        zones = tuple(zone["zone_id"] for zone in head["zones"])
        captured_at = datetime.fromisoformat(head["time"])
        self.seen.append(SeenFrame(head["epoch"], head["sequence"], captured_at, zones, time.monotonic()))
        return self.seen[-1]


@contextmanager
def _watching(signed: SignedIn) -> Iterator[Watcher]:
    address = f"{signed.site.sockets}/api/v1/cameras/{DOOR}/live?profile=thumbnail"
    with connect(address, additional_headers=signed.header, proxy=None) as socket:
        yield Watcher(socket)


def test_a_zone_that_a_program_draws_is_in_the_running_camera_at_once_and_no_frame_is_lost(
    signed: SignedIn, record_property: Any
) -> None:
    before, revision = signed.report(), signed.revision()
    with _watching(signed) as door:
        while len(door.seen) < 10:
            assert "by-api" not in door.look().zones
        asked_s = time.monotonic()
        zone = {"zone_id": "by-api", "kind": "warning", "polygon": [[0.0, 0.0], [0.2, 0.0], [0.2, 0.2]]}
        answer = signed.ask("POST", f"/cameras/{DOOR}/zones", revision=revision, json=zone)
        answered_s = time.monotonic() - asked_s
        while "by-api" not in door.look().zones:
            assert time.monotonic() - asked_s < LONGEST_CHANGE_S
        took_s = door.seen[-1].at_s - asked_s
        for _ in range(10):
            assert "by-api" in door.look().zones, "it stays"
    assert answer.status_code == 201
    assigned = int(answer.headers["ETag"].strip('"'))
    after = signed.site.wait_for("the actor says its new assignment", lambda: signed.report_of(assigned))

    record_property("zone_by_http_takes_effect_s", round(took_s, 3))
    print(f"a zone by HTTP: answered after {answered_s:.2f} s, on a frame after {took_s:.2f} s")
    assert [after[key] for key in ("pid", "epoch", "reconnects")] == [
        before[key] for key in ("pid", "epoch", "reconnects")
    ]
    steps = [(one.sequence - last.sequence, one.captured_at - last.captured_at) for last, one in pairwise(door.seen)]
    assert {one.epoch for one in door.seen} == {before["epoch"]}
    assert min(step for step, _ in steps) >= 1
    # A viewer who is late is shown the newest; of what the camera itself has missed there are no numbers, but time.
    print(f"numbers passed over for this viewer: {sum(step - 1 for step, _ in steps)}")
    assert max(took.total_seconds() / step for step, took in steps) < 0.5


def test_nothing_that_a_person_typed_or_a_program_sent_stands_in_a_log(signed: SignedIn) -> None:
    token = signed.header["Authorization"].removeprefix("Bearer ")
    folders = (signed.site.folder / "logs", signed.site.logs)
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    written = "\n".join(file.read_text(errors="replace") for file in files)

    assert "event_acknowledged" in written
    for hidden in (PASSWORD, token, token.rpartition(".")[2], signed.site.environment["E2E_CAMERA_PASSWORD"]):
        assert hidden not in written
    assert not re.search(r"safe_yolo_session=\w", written)
