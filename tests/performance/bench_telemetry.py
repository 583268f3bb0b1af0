"""What logs and metrics cost: all of it on against all of it off, and how fast `GET /metrics` answers.

Cost: four cameras at 320, where a second has the most frames and with them lines and counts, and the product's
Detector. In turns telemetry is on (the hub is asked, and the node's export read, every 5 s, as Prometheus does) and off
(nothing is logged or counted, hub and node readings stand still): on, off, off, on, so that a drift of the machine is
in both. `GET /metrics`: the series of 50 cameras, two ingress replicas behind Serve's proxy, asked ten times a second.
"""

import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
from bench_part import Result, demo_clip, figure, percentile, run
from bench_site import Site, camera, pause, real_detector, running, until

CAMERAS, SIZE = 4, 320
SERIES_OF = 50
_WINDOW_S, _SETTLE_S, _FIRST_SETTLE_S = 12.0, 3.0, 12.0
_SCRAPE_EVERY_S = 5.0
_ASKS_FOR_S, _ASK_EVERY_S = 25.0, 0.1
_HTTP_PORT = 8377


def telemetry(rounds: int) -> Result:
    cost = _cost(rounds)
    page = _page()
    figures = {
        "telemetry.cost": figure([one["cost"] for one in cost], "<= 0.03", unit="of frames a second"),
        "telemetry.metrics_ms_p95": figure([page["p95_ms"]], "<= 100", unit="ms", **page),
    }
    return {"figures": figures, "rounds": cost}


def _cost(rounds: int) -> list[Result]:
    from bench_telemetry_worker import BenchCameraSwitched, start_hub

    detector = real_detector(SIZE) | {"import_path": "bench_telemetry_worker:build_detector", "args": {}}
    cameras = [camera(number, demo_clip()) for number in range(CAMERAS)]
    with running(cameras, detector) as site:
        site.deploy()
        site.start_cameras(CAMERAS, actor=BenchCameraSwitched)
        site.wait_for_detector(SIZE)
        hub, readings = start_hub(), _start_readings()
        site.demand()
        pause(_FIRST_SETTLE_S)
        with _scraping(hub) as scrapes:
            measured = [_round(site, scrapes) for _ in range(rounds)]
        del readings
        return measured


def _round(site: Site, scrapes: threading.Event) -> Result:
    windows = [_window(site, scrapes, on=on) for on in (True, False, False, True)]
    fps_on, fps_off = (sum(one["fps"] for one in windows if one["on"] is on) / 2 for on in (True, False))
    return {"cost": 1 - fps_on / fps_off, "fps_on": fps_on, "fps_off": fps_off, "windows": windows}


def _window(site: Site, scrapes: threading.Event, *, on: bool) -> Result:
    _switch(site, scrapes, on=on)
    pause(_SETTLE_S)
    before = site.cpu_s()
    window = site.window(_WINDOW_S, settle_s=0.0)
    after, frames = site.cpu_s(), site.frames(window)
    each = {kind: (after[kind] - before.get(kind, 0.0)) * 1000 / max(1, len(frames)) for kind in after}
    return {"on": on, "fps": len(frames) / (window[1] - window[0]), "cpu_ms_a_frame": each}


def _switch(site: Site, scrapes: threading.Event, *, on: bool) -> None:
    from ray import serve

    site.all("telemetry", on)
    handle: Any = serve.get_deployment_handle("Detector", "detector")
    handle.broadcast("telemetry", on).results(timeout_s=30)
    for word in ("ray::MetricsHub", "ray::Readings"):
        for process in _processes(word):
            process.resume() if on else process.suspend()
    scrapes.set() if on else scrapes.clear()


def _processes(word: str) -> list[psutil.Process]:
    return [p for p in psutil.Process().children(recursive=True) if word in " ".join(p.cmdline())]


def _start_readings() -> Any:
    import ray
    from bench_telemetry_worker import Readings

    readings = ray.remote(num_cpus=0)(Readings).remote()
    ray.get(readings.ready.remote(), timeout=60)
    return readings


@contextmanager
def _scraping(hub: Any) -> Iterator[threading.Event]:
    """Asks the hub and the node's own export every 5 s while the event is set."""
    import ray

    node = ray.nodes()[0]
    url = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
    scrapes, stopping = threading.Event(), threading.Event()

    def scrape() -> None:
        while not stopping.wait(_SCRAPE_EVERY_S):
            if scrapes.is_set():
                urllib.request.urlopen(url, timeout=10).read()
                ray.get(hub.page.remote(), timeout=30)

    thread = threading.Thread(target=scrape, daemon=True)
    thread.start()
    try:
        yield scrapes
    finally:
        stopping.set()
        thread.join(40)


def _page() -> Result:
    import ray
    from bench_telemetry_worker import Cameras, start_hub

    with running([], {}, http_port=_HTTP_PORT) as site:
        names = [f"camera-{number}" for number in range(SERIES_OF)]
        writers = [ray.remote(num_cpus=0)(Cameras).remote() for _ in range(5)]
        ray.get([one.write.remote(names[n * 10 : (n + 1) * 10]) for n, one in enumerate(writers)], timeout=60)
        hub = start_hub()
        site.deploy_only(
            {"name": "ingress", "route_prefix": "/", "import_path": "bench_telemetry_worker:build_ingress"}
        )
        until(lambda: f'frames_gated_total{{camera_id="{names[-1]}"}}'.encode() in ray.get(hub.page.remote()), "series")
        return _ask(f"http://127.0.0.1:{_HTTP_PORT}/metrics")


def _ask(url: str) -> Result:
    took_ms, page = [], b""
    deadline_s = time.monotonic() + _ASKS_FOR_S
    while time.monotonic() < deadline_s:
        started_s = time.monotonic()
        page = urllib.request.urlopen(url, timeout=10).read()
        took_ms.append((time.monotonic() - started_s) * 1000)
        pause(_ASK_EVERY_S)
    return {
        "p95_ms": percentile(took_ms, 0.95),
        "median_ms": percentile(took_ms, 0.5),
        "worst_ms": max(took_ms),
        "asked": len(took_ms),
        "bytes": len(page),
        "series": sum(not line.startswith(b"#") for line in page.splitlines()),
        "cameras": SERIES_OF,
    }


if __name__ == "__main__":
    run(telemetry)
