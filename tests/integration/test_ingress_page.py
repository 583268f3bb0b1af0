"""The page in real Chromium, over real sockets, in front of a cluster in memory."""

import importlib.util
import shutil
import socket
import sys
import threading
from pathlib import Path

import pytest
import uvicorn
from counterparts.missing import missing_counterpart
from counterparts.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "build" / "screenshots"
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def _fakes():
    """The fakes of the unit tests; test files cannot import each other, so they are loaded by path."""
    spec = importlib.util.spec_from_file_location("ingress_fakes", ROOT / "tests/unit/ingress/conftest.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["ingress_fakes"] = module
    spec.loader.exec_module(module)
    return module


fakes = _fakes()


class Served:
    """The ingress under uvicorn in a thread, with a camera that moves."""

    def __init__(self, site):
        self.site = site
        self.app = site.app(fakes.replace(fakes.QUICK, repeat_status_s=0.5, first_picture_s=2.0, pull_timeout_s=1.0))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        config = uvicorn.Config(self.app, host="127.0.0.1", port=self.port, log_level="warning", ws_max_size=2**20)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.moving = threading.Event()
        self.camera = threading.Thread(target=self._move, daemon=True)
        self.sequence = 0

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self.thread.start()
        self.camera.start()
        wait_for("the server", lambda: self.server.started, every_s=0.02)
        return self

    def __exit__(self, *_):
        self.moving.set()
        self.server.should_exit = True
        self.camera.join(10)
        self.thread.join(10)

    def _move(self):
        while not self.moving.wait(0.1):
            self.sequence += 1
            for camera_id, seen in list(self.site.cameras.pictures.items()):
                if seen.jpeg:
                    self.site.cameras.pictures[camera_id] = fakes.replace(
                        seen, sequence=self.sequence, objects_sequence=self.sequence, captured_at=now()
                    )


def now():
    return fakes.datetime.now(fakes.UTC)


def _street():
    import cv2

    for parent in map(Path, sys.path):
        photo = parent / "ultralytics" / "assets" / "bus.jpg"
        if photo.is_file():
            image = cv2.resize(cv2.imread(str(photo))[300:900, :], (854, 480))
            return bytes(cv2.imencode(".jpg", cv2.resize(image, (640, 360)))[1])
    return fakes.jpeg_of("no photograph")


@pytest.fixture
def served():
    site = fakes.Site()
    street = _street()
    person = fakes.SeenObject("person", 0.78, (0.07, 0.1, 0.3, 0.95), 7)
    calm = fakes.ZoneOutline("yard", "야적장 / Yard", "warning", ((0.1, 0.55), (0.9, 0.55), (1, 1), (0, 1)))
    site.cameras.known = {
        "gate-1": fakes.report("gate-1", name="1번 출입구 / Gate 1", since=now()),
        "press-2": fakes.report("press-2", fakes.CameraStatus.UNMONITORED, name="프레스 2호기 / Press 2",
                                reason="no frame for 5 s", since=now(), inference_age_s=74.0),
        "yard-3": fakes.report("yard-3", name="야적장 / Yard", since=now(), inference_age_s=0.4),
        "dock-4": fakes.report("dock-4", fakes.CameraStatus.DEGRADED, name="<b>하역장</b> / Dock 4", since=now(),
                               reason="the detector does not answer", inference_age_s=31.0),
    }  # fmt: skip
    site.cameras.pictures = {
        "gate-1": fakes.picture("gate-1", jpeg=street, objects=(person,)),
        "press-2": fakes.blind("press-2"),
        "yard-3": fakes.picture("yard-3", jpeg=street, objects=(), zones=(calm,)),
        "dock-4": fakes.picture("dock-4", jpeg=street, objects=(), zones=(), status=fakes.CameraStatus.DEGRADED,
                                reason="the detector does not answer"),
    }  # fmt: skip
    _add_events(site, street)
    with Served(site) as running:
        yield running


def _add_events(site, street):
    kinds = [
        ("PERSON_ENTRANCE", fakes.Severity.INFO, fakes.EpisodeState.CLOSED, "stored"),
        ("PPE_HELMET_MISSING", fakes.Severity.WARNING, fakes.EpisodeState.CLOSED, "stored"),
        ("FIRE_EXTINGUISHER_MISSING", fakes.Severity.WARNING, fakes.EpisodeState.OPEN, "pending"),
        ("CAMERA_UNMONITORED", fakes.Severity.CRITICAL, fakes.EpisodeState.OPEN, "none"),
    ]
    for number, (kind, severity, state, snapshot) in enumerate(kinds):
        event = site.events.add(
            number, event_type=kind, severity=severity, state=state,
            snapshot_state=fakes.SnapshotState(snapshot), camera_id="press-2" if "CAMERA" in kind else "gate-1",
            zone_id="" if "CAMERA" in kind else "press", opened_at=now(), updated_at=now(),
            closed_at=now() if state is fakes.EpisodeState.CLOSED else None,
            detail={"reason": "no frame for 5 s"} if "CAMERA" in kind else {},
            **({} if snapshot == "stored" else {"snapshot_name": None}),
        )  # fmt: skip
        site.snapshots.kept[f"{event.event.event_id}.jpg"] = street


class Visit:
    """A page that notes what it should not do."""

    def __init__(self, browser, served, **options):
        self.served = served
        self.complaints, self.foreign = [], []
        self.page = browser.new_context(**options).new_page()
        self.page.on("console", lambda message: self._complain(message))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._check_host)
        self.page.on("websocket", lambda opened: self._check_address(opened.url))
        self.page.goto(served.address)

    def _complain(self, message):
        # Reading the canvas back is what this test does, not the page.
        ours = "willReadFrequently" in message.text or "/session" in message.location.get("url", "")
        if message.type in ("error", "warning") and not ours and "/statistics" not in message.location.get("url", ""):
            self.complaints.append(message.text)

    def _check_host(self, request):
        self._check_address(request.url)

    def _check_address(self, url):
        if url.split(":", 1)[0] not in ("blob", "data") and f"//127.0.0.1:{self.served.port}/" not in url:
            self.foreign.append(url)

    def tile(self, camera_id):
        return self.page.locator(f"article[data-camera={camera_id}]")

    def pixels(self, camera_id):
        """Share of the tile's canvas that is painted at all, and the colour near the top left corner of the zone."""
        return self.page.evaluate(
            """id => { const c = document.querySelector(`article[data-camera=${id}] canvas`);
                 const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;
                 for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n / (d.length / 4); }""",
            camera_id,
        )

    def red_at(self, camera_id, x, y):
        return self.page.evaluate(
            """([id, x, y]) => { const c = document.querySelector(`article[data-camera=${id}] canvas`);
                 const [r, g, b] = c.getContext('2d').getImageData(x * c.width, y * c.height, 1, 1).data;
                 return r > 200 && g < 150 && b < 150; }""",
            [camera_id, x, y],
        )

    def shot(self, name):
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png")


@pytest.fixture(scope="module")
def browser():
    if not shutil.which(CHROMIUM):
        missing_counterpart("chromium (apt-get install chromium)", FileNotFoundError(CHROMIUM))
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def visit(browser, served):
    visits = []

    def make(**options):
        visits.append(
            Visit(browser, served, **{"viewport": {"width": 1600, "height": 900}, "locale": "ko-KR"} | options)
        )
        return visits[-1]

    yield make
    for one in visits:
        one.page.context.close()


def test_the_wall_shows_live_pictures_with_zones_and_boxes(visit, served):
    page = visit()
    page.tile("gate-1").locator(".tile-figures", has_text="fps").wait_for()
    page.page.wait_for_selector("article[data-camera=gate-1][data-live=true]")

    # The right edge of the danger zone, drawn over the JPEG.
    assert page.pixels("gate-1") == 1.0
    wait_for("red at the press", lambda: page.red_at("gate-1", 0.7, 0.8), every_s=0.02)
    assert "alarm" in page.tile("gate-1").get_attribute("class")
    assert "alarm" not in page.tile("yard-3").get_attribute("class")
    assert page.tile("dock-4").locator(".tile-name").inner_text() == "<b>하역장</b> / Dock 4"
    assert "감지가 작동하지 않습니다" in page.tile("dock-4").locator(".banner").inner_text()
    page.page.wait_for_function("[...document.querySelectorAll('.event img')].filter(i => i.naturalWidth).length >= 2")
    page.shot("wall-ko")
    page.page.click("#language")
    page.page.wait_for_selector("text=Latest events")
    page.shot("wall-en")
    assert (page.complaints, page.foreign) == ([], [])


def test_a_blind_camera_shows_a_card_in_both_languages_and_no_pixel_of_its_last_frame(visit, served):
    page = visit()
    page.page.wait_for_selector("article[data-camera=gate-1][data-live=true]")
    assert page.pixels("gate-1") == 1.0

    served.site.cameras.pictures["gate-1"] = fakes.blind("gate-1")
    page.page.wait_for_selector("article[data-camera=gate-1][data-status=UNMONITORED]")

    card = page.tile("gate-1").locator(".card")
    assert page.pixels("gate-1") == 0.0
    assert card.is_visible()
    assert all(
        words in card.inner_text()
        for words in ["감시 안 됨", "UNMONITORED", "no frame for 5 s", "not take it for safe"]
    )

    served.site.cameras.pictures["gate-1"] = fakes.picture("gate-1", epoch=4, jpeg=_street())
    page.page.wait_for_selector("article[data-camera=gate-1][data-live=true]")
    assert (page.complaints, page.foreign) == ([], [])


def test_a_new_event_appears_and_its_end_is_told(visit, served):
    page = visit()
    page.page.wait_for_selector(".event")
    page.page.wait_for_selector("[data-link=live]")
    opened = served.site.events.add(20, camera_id="yard-3", opened_at=now(), updated_at=now())
    served.site.snapshots.kept[opened.snapshot_name] = _street()
    first = page.page.locator(".event").first
    first.locator("text=위험 구역 침입").wait_for()
    page.page.wait_for_selector("article[data-camera=yard-3].alarm")

    closed = fakes.replace(
        opened, event=fakes.replace(opened.event, revision=2, state=fakes.EpisodeState.CLOSED, closed_at=now())
    )
    served.site.events.rows[opened.event.event_id] = closed
    served.site.events.changes.append(fakes.Change(len(served.site.events.changes) + 1, fakes.ChangeKind.EVENT, closed))

    page.page.wait_for_selector(".event:first-child[data-state=closed]")
    page.page.wait_for_selector("article[data-camera=yard-3]:not(.alarm)")
    assert (page.complaints, page.foreign) == ([], [])


def test_the_link_of_a_message_shows_its_event(visit, served):
    wanted = next(stored.event for stored in served.site.events.rows.values() if stored.snapshot_name)
    page = visit()
    page.page.goto(f"{served.address.rstrip('/')}/?event={wanted.event_id}")

    page.page.wait_for_selector("dialog[open] img")
    assert "사람 입장" in page.page.locator("dialog[open]").inner_text()
    assert (page.complaints, page.foreign) == ([], [])


def test_an_event_is_acknowledged_on_the_page_and_says_whom_it_was_told(visit, served):
    opened = next(one for one in served.site.events.rows.values() if one.event.event_type == "CAMERA_UNMONITORED")
    served.site.messages.told = [_told(opened.event)]
    page = visit()

    page.page.locator(".event", has_text="카메라 감시 안 됨").locator(".thumb").click()
    assert page.page.locator(".delivery").inner_text().startswith("room · 발생 · 전달됨 · ")
    page.page.locator("#viewer-name").fill("김 반장")
    page.page.locator("#viewer-acknowledge").click()

    page.page.wait_for_selector("#viewer-acknowledge:disabled:has-text('김 반장 확인')")
    [said] = served.site.events.said
    assert (said.event_id, said.by, said.way) == (opened.event.event_id, "김 반장", "api")
    assert said.occurrence == opened.occurrence
    assert (page.complaints, page.foreign) == ([], [])


def test_the_button_behind_the_link_of_a_message_acknowledges(visit, served):
    opened = next(iter(served.site.events.rows.values()))
    link = served.site.links.link(opened.event.event_id, "room", 1, now())
    page = visit()
    page.page.goto(served.address + link.removeprefix("http://localhost:8001"))
    assert served.site.events.said == []

    page.page.locator("#acknowledge").click()

    page.page.wait_for_selector("[data-said=done]:visible")
    assert not page.page.locator("#acknowledge").is_visible()
    assert [said.by for said in served.site.events.said] == ["room"]
    assert (page.complaints, page.foreign) == ([], [])


def _told(event):
    return fakes.PlannedMessage(
        "m-1", event.event_id, fakes.MessageKind.OPENED, 1, "all", 0, "room", fakes.MessageState.ACCEPTED,
        event.severity, event.correlation_id, now(), now(), now(), attempts=1, accepted_at=now(),
    )  # fmt: skip


def test_when_the_server_goes_every_tile_says_that_the_page_is_blind(visit, served):
    page = visit()
    page.page.wait_for_selector("article[data-camera=gate-1][data-live=true]")

    served.server.should_exit = True
    page.page.wait_for_selector("article[data-camera=gate-1][data-status=LOST]")

    assert page.pixels("gate-1") == 0.0
    assert "Connection lost" in page.tile("gate-1").locator(".card").inner_text()
    page.page.wait_for_selector("#health[data-status=unreachable]")
    page.shot("lost")


def test_the_page_fits_a_telephone(visit):
    page = visit(viewport={"width": 390, "height": 844}, locale="en-GB")
    page.page.wait_for_selector("article[data-camera=gate-1][data-live=true]")

    page.shot("telephone")
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 390
