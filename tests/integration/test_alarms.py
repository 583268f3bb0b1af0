"""Alarms from the ingress to Slack and SMS: real Prometheus, Alertmanager and blackbox exporter, conditions as shipped.

The ingress is the real one in front of a cluster in memory; `make soak` does the same with a whole site.
"""

import importlib.util
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from counterparts.alarm_system import PHONE, AlarmSystem, open_alarm_system
from counterparts.waiting import wait_for

from cluster.safety.status import CameraStatus
from cluster.telemetry import metrics
from cluster.telemetry.instruments import DECLARED
from cluster.telemetry.page import PageWriter

ROOT = Path(__file__).resolve().parents[2]


def _fakes() -> Any:
    """The fakes of the ingress' unit tests; test files cannot import each other, so they are loaded by path."""
    spec = importlib.util.spec_from_file_location("alarm_fakes", ROOT / "tests/unit/ingress/conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["alarm_fakes"] = module
    spec.loader.exec_module(module)
    return module


class ServedSite:
    """An ingress that can be stopped and started again at the same address."""

    def __init__(self) -> None:
        assert metrics.cameras is not None  # importing it declares them
        self.fakes = _fakes()
        self.site = self.fakes.Site()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._writer, self._server, self._thread = PageWriter(DECLARED), None, None  # type: Any, Any, Any
        self.say(database_consecutive_failures=0)
        self.start()

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def say(self, **values: float) -> None:
        """What `GET /metrics` says from now on."""
        always = {
            'camera_target_fps{camera_id="gate-1"}': 5.0,
            "site_is_operating": 1.0,
            "websocket_connections": 1.0,
        }
        samples = {name: float(value) for name, value in {**always, **values}.items()}
        self.site.pages.text = self._writer.write(samples).decode()

    def start(self) -> None:
        app = self.site.app(self.fakes.QUICK)
        config = uvicorn.Config(app, host="127.0.0.1", port=self.port, log_level="warning")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        wait_for("the ingress answers", lambda: self._server.started, every_s=0.02)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.fixture(scope="module")
def site() -> Iterator[ServedSite]:
    served = ServedSite()
    yield served
    served.stop()


@pytest.fixture(scope="module")
def alarms(site: ServedSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AlarmSystem]:
    with open_alarm_system(tmp_path_factory.mktemp("alarms"), site.page) as system:
        wait_for("all is scraped", lambda: set(system.targets().values()) == {"up"} or None, instead=system.targets)
        yield system


def test_five_failures_in_a_row_are_told_on_both_channels_and_four_are_not(
    site: ServedSite, alarms: AlarmSystem
) -> None:
    site.say(database_consecutive_failures=4)
    seen = wait_for("four were seen", lambda: alarms.query("timestamp(database_consecutive_failures == 4)"))
    wait_for("the rules were evaluated", lambda: _evaluated_since(alarms, float(seen[0]["value"][1])))
    assert "DatabaseWriteFailing" not in alarms.firing()

    site.say(database_consecutive_failures=5)
    post = wait_for(
        "Slack was told", lambda: alarms.posts("DB 쓰기 실패"), instead=lambda: alarms.said("alertmanager")
    )[0]
    wait_for("a person was told", lambda: [text for _, text in alarms.sms.messages() if "DB 쓰기 실패" in text])

    assert post.startswith("[긴급 CRITICAL] DB 쓰기 실패 / The database takes no writes")
    assert "연속 5회" in post
    assert "5 writes in a row" in post
    assert "docs/alarms.md#databasewritefailing" in post
    assert {phone for phone, _ in alarms.sms.messages()} == {PHONE}

    site.say(database_consecutive_failures=0)
    wait_for("it is resolved", lambda: alarms.posts("[해제 RESOLVED] DB 쓰기 실패"))


def test_a_degraded_service_is_not_down(site: ServedSite, alarms: AlarmSystem) -> None:
    blind = site.fakes.report("gate-2", CameraStatus.UNMONITORED)
    site.site.cameras.known["gate-2"] = blind
    try:
        probes = "count_over_time(probe_success[5m])"
        before = int(alarms.query(probes)[0]["value"][1])
        wait_for("it was probed five times", lambda: int(alarms.query(probes)[0]["value"][1]) >= before + 5)

        assert httpx.get(f"{site.page}/health", trust_env=False).json()["status"] == "degraded"
        assert alarms.query("min_over_time(probe_success[5s]) == 1")
    finally:
        del site.site.cameras.known["gate-2"]


@pytest.mark.parametrize("answers", ["no", "yes"])
def test_a_service_that_does_not_answer_silences_its_children_and_one_that_says_it_is_down_does_not(
    alarms: AlarmSystem, answers: str
) -> None:
    critical = {"severity": "critical", "channels": "sms,slack"}
    down = {"alertname": "ServiceDown", "source": "probe", "answers": answers, **critical}
    camera = {"alertname": "CameraUnmonitored", "source": "site", "camera_id": f"child-{answers}", **critical}
    node = {"alertname": "DiskCritical", "source": "node", "ip": f"node-{answers}", **critical}
    alarms.tell_alertmanager(down)
    wait_for("the service's alarm was told", lambda: alarms.posts(f"CRITICAL] ServiceDown {answers}"))

    alarms.tell_alertmanager(camera, node)
    wait_for("the node's alarm was told", lambda: alarms.posts(f"CRITICAL] DiskCritical node-{answers}"))
    if answers == "no":
        assert alarms.silenced(f"child-{answers}")
        assert not alarms.posts(f"CameraUnmonitored child-{answers}")
    else:
        wait_for("the camera's alarm was told", lambda: alarms.posts(f"CRITICAL] CameraUnmonitored child-{answers}"))

    alarms.tell_alertmanager(camera, over=True)
    alarms.tell_alertmanager(down, node, over=True)
    wait_for("it is over", lambda: alarms.posts(f"RESOLVED] ServiceDown {answers}"))


def test_a_stopped_service_is_told_on_both_channels_and_resolved_when_it_is_back(
    site: ServedSite, alarms: AlarmSystem
) -> None:
    site.stop()
    try:
        wait_for(
            "Slack was told", lambda: alarms.posts("[긴급 CRITICAL] 서비스 다운: 응답 없음"), instead=alarms.firing
        )
        wait_for(
            "a person was told", lambda: [text for _, text in alarms.sms.messages() if "서비스 다운: 응답 없음" in text]
        )
        failed = alarms.query('count_over_time((probe_success{job="health"} == 0)[5m:1s])')
    finally:
        site.start()

    assert int(failed[0]["value"][1]) >= 3
    wait_for("Slack knows that it is back", lambda: alarms.posts("[해제 RESOLVED] 서비스 다운: 응답 없음"))
    wait_for(
        "the person knows too", lambda: [text for _, text in alarms.sms.messages() if "RESOLVED] 서비스 다운" in text]
    )


def _evaluated_since(alarms: AlarmSystem, moment_s: float) -> bool:
    """Whether every group was evaluated after `moment_s`."""
    return bool(alarms.query(f"min(prometheus_rule_group_last_evaluation_timestamp_seconds) > {moment_s:.3f}"))
