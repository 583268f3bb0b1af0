"""The page's site: the ingress under uvicorn in front of a cluster in memory, and a browser that notes its sins."""

import asyncio
import importlib.util
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import cache, partial
from pathlib import Path

import uvicorn
from counterparts.waiting import wait_for

from cluster.accounts.accounts import Accounts
from cluster.accounts.principal import Role
from cluster.settings.sign_in import SignInSettings
from cluster.storage.engine import create_engine
from deployments.ingress.application import create_app

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "build" / "screens"


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

    def __init__(self, site, wrap=lambda app: app, **limits):
        """`wrap`: what stands before the application; `limits`: those of `Limits` that are others."""
        self.site, self._wrap, self._limits = site, wrap, limits
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._prepare()
        self.moving = threading.Event()
        self.camera = threading.Thread(target=self._move, daemon=True)
        self.sequence = 0

    def _prepare(self):
        usual = {"repeat_status_s": 0.5, "first_picture_s": 2.0, "pull_timeout_s": 1.0}
        limits = fakes.replace(fakes.QUICK, **usual | self._limits)
        self.api = self._wrap(self.site.app(limits=limits))
        config = uvicorn.Config(
            self.api,
            host="127.0.0.1",
            port=self.port,
            log_level="warning",
            ws_max_size=2**20,
            timeout_graceful_shutdown=1,
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self.camera.start()
        self.start()
        return self

    def __exit__(self, *_):
        self.moving.set()
        self.stop()
        self.camera.join(10)

    def start(self):
        self.thread.start()
        wait_for("the server", lambda: self.server.started, every_s=0.02)

    def stop(self):
        self.server.should_exit = True
        self.thread.join(10)

    def come_back(self):
        """Another process on the same address, after `stop`."""
        self._prepare()
        self.start()

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


@cache
def street():
    import cv2

    for parent in map(Path, sys.path):
        photo = parent / "ultralytics" / "assets" / "bus.jpg"
        if photo.is_file():
            image = cv2.resize(cv2.imread(str(photo))[300:900, :], (854, 480))
            return bytes(cv2.imencode(".jpg", cv2.resize(image, (640, 360)))[1])
    return fakes.jpeg_of("no photograph")


def small_site():
    """Four cameras: one alarmed, one blind, one calm, one without detection."""
    site = fakes.Site()
    photo = street()
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
        "gate-1": fakes.picture("gate-1", jpeg=photo, objects=(person,)),
        "press-2": fakes.blind("press-2"),
        "yard-3": fakes.picture("yard-3", jpeg=photo, objects=(), zones=(calm,)),
        "dock-4": fakes.picture("dock-4", jpeg=photo, objects=(), zones=(), status=fakes.CameraStatus.DEGRADED,
                                reason="the detector does not answer"),
    }  # fmt: skip
    _add_events(site, photo)
    return site


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

    def __init__(self, browser, served, at="", **options):
        self.served = served
        self.complaints, self.foreign = [], []
        self.page = browser.new_context(**options).new_page()
        self.page.on("console", lambda message: self._complain(message))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._check_host)
        self.page.on("websocket", lambda opened: self._check_address(opened.url))
        self.page.goto(served.address + "/" + at)

    def _complain(self, message):
        # Reading the canvas back is what this test does, not the page.
        if message.type in ("error", "warning") and "willReadFrequently" not in message.text:
            self.complaints.append(f"{message.text} {message.location.get('url', '')}")

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


def in_its_own_loop(work):
    """Runs `work` in a thread: Playwright has a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result(30)


class SignedSite:
    """A site of fakes with real accounts on the database of `settings`; everybody has the same password."""

    def __init__(self, site, settings, roles, password):
        self._site, self._settings = site, settings
        self._signing = SignInSettings()
        in_its_own_loop(self._fill(roles, password))
        engine = create_engine(settings)
        services = fakes.replace(site.services, accounts=Accounts(engine, self._signing, "k" * 32))
        self.app = partial(create_app, services, release="test", close_engine=engine.dispose)

    def __getattr__(self, name):
        return getattr(self._site, name)

    async def _fill(self, roles, password):
        async with self._accounts() as accounts:
            for name, role in roles.items():
                await accounts.users.add(name, await accounts.passwords.hashed(password), Role(role), None)

    def disable(self, name):
        in_its_own_loop(self._disable(name))

    async def _disable(self, name):
        async with self._accounts() as accounts:
            await accounts.users.change(name, {"disabled": True})

    @asynccontextmanager
    async def _accounts(self):
        engine = create_engine(self._settings)
        yield Accounts(engine, self._signing, "k" * 32)
        await engine.dispose()
