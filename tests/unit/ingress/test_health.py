import asyncio
from dataclasses import replace

import pytest
from counterparts.viewer_sockets import client_of
from starlette.testclient import TestClient

from cluster.safety.messages import MessageState
from cluster.safety.status import CameraStatus, DetectorReport
from cluster.settings.notifications import NotificationSettings


def _database_away(site, make):
    site.events.away = True


def _database_hangs(site, make):
    site.events.hangs = True


def _snapshots_away(site, make):
    site.snapshots.away = True


def _detector_away(site, make):
    site.detector.away = True


def _detector_loading(site, make):
    site.detector.answer = DetectorReport("fall-s", "", "torch", "cpu", 320, ready=False, error="weights are missing")


def _detector_falls_back(site, make):
    site.detector.answer = DetectorReport(
        "fall-s", "", "torch", "cpu", 320, ready=True, fallback=True, error="model noise was refused"
    )


def _one_camera_blind(site, make):
    site.cameras.known["gate-2"] = make.report("gate-2", CameraStatus.UNMONITORED, reason="no frame for 5 s")


def _one_camera_degraded(site, make):
    site.cameras.known["gate-2"] = make.report("gate-2", CameraStatus.DEGRADED, reason="detector late")


def _one_camera_disabled(site, make):
    site.cameras.known["gate-2"] = make.report("gate-2", CameraStatus.DISABLED, inference_age_s=None)


def _only_connecting(site, make):
    site.cameras.known = {"gate-1": make.report("gate-1", CameraStatus.CONNECTING)}


def _outbox_dropped_info(site, make):
    site.cameras.known["gate-1"] = make.report(outbox_dropped=3)


def _configuration_refused(site, make):
    site.cameras.refused = ["serve_config.yaml: user_config.cameras[0].zonez: unknown key"]


def _messages_unknown(site, make):
    site.messages.away = True


def _a_message_reached_nobody(site, make):
    site.messages.by_state = {MessageState.FAILED: 1, MessageState.ACCEPTED: 7}


def _nobody_sends(site, make):
    site.messages.late_s = 31.0


def _messages_wait_a_little(site, make):
    site.messages.late_s, site.messages.by_state = 29.0, {MessageState.WAITING: 4}


def _supervisor_away(site, make):
    site.cameras.away = True


def _supervisor_hangs(site, make):
    site.cameras.hangs = True


def _all_cameras_blind(site, make):
    site.cameras.known = {"gate-1": make.report("gate-1", CameraStatus.UNMONITORED)}


def _all_cameras_degraded(site, make):
    site.cameras.known = {"gate-1": make.report("gate-1", CameraStatus.DEGRADED)}


def _all_cameras_disabled(site, make):
    site.cameras.known = {"gate-1": make.report("gate-1", CameraStatus.DISABLED)}


def _no_cameras(site, make):
    site.cameras.known = {}


def _outbox_dropped_critical(site, make):
    site.cameras.known["gate-1"] = make.report(outbox_dropped=1, outbox_dropped_critical=1)


def _nothing(site, make):
    pass


@pytest.mark.parametrize(
    ("arrange", "code", "status", "part"),
    [
        (_nothing, 200, "ok", None),
        (_one_camera_disabled, 200, "ok", None),
        (_database_away, 200, "degraded", "database"),
        (_database_hangs, 200, "degraded", "database"),
        (_snapshots_away, 200, "degraded", "snapshots"),
        (_detector_away, 200, "degraded", "detector"),
        (_detector_loading, 200, "degraded", "detector"),
        (_detector_falls_back, 200, "degraded", "detector"),
        (_one_camera_blind, 200, "degraded", "cameras"),
        (_one_camera_degraded, 200, "degraded", "cameras"),
        (_only_connecting, 200, "degraded", "cameras"),
        (_outbox_dropped_info, 200, "degraded", "outboxes"),
        (_configuration_refused, 200, "degraded", "configuration"),
        (_messages_unknown, 200, "degraded", "notifications"),
        (_a_message_reached_nobody, 200, "degraded", "notifications"),
        (_nobody_sends, 200, "degraded", "notifications"),
        (_messages_wait_a_little, 200, "ok", None),
        (_supervisor_away, 503, "down", "supervisor"),
        (_supervisor_hangs, 503, "down", "supervisor"),
        (_all_cameras_blind, 503, "down", "cameras"),
        (_all_cameras_degraded, 503, "down", "cameras"),
        (_all_cameras_disabled, 503, "down", "cameras"),
        (_no_cameras, 503, "down", "cameras"),
        (_outbox_dropped_critical, 503, "down", "outboxes"),
    ],
)
def test_health_says_what_the_whole_is_worth(client, site, make, arrange, code, status, part):
    arrange(site, make)

    answer = client.get("/health")

    assert (answer.status_code, answer.json()["status"]) == (code, status)
    wrong = {name for name, state in answer.json()["parts"].items() if state["status"] != "ok"}
    assert wrong == ({part} if part else set())
    assert all(answer.json()["parts"][name]["reason"] for name in wrong)


@pytest.mark.parametrize(("on_purpose", "status"), [(False, "degraded"), (True, "ok")])
def test_a_site_that_tells_nobody_is_well_only_where_somebody_means_it(site, on_purpose, status):
    site.notifications = NotificationSettings(nobody_is_told=on_purpose)

    with TestClient(site.app(), base_url="http://localhost:8001") as client:
        health = client.get("/health").json()

    assert (health["status"], health["parts"]["notifications"]["status"]) == (status, status)
    assert "nobody is told of" in health["parts"]["notifications"]["reason"]


def test_health_says_what_is_wrong_with_the_configuration_and_no_password(client, site):
    site.cameras.refused = [
        "serve_config.yaml: user_config.cameras[0].source = rtsp://admin:S3cret@cam/1: is none",
        "the database holds a camera that nobody can read",
    ]

    part = client.get("/health").json()["parts"]["configuration"]

    assert part == {
        "status": "degraded",
        "reason": "serve_config.yaml: user_config.cameras[0].source = rtsp://***@cam/1: is none; "
        "the database holds a camera that nobody can read",
    }


def test_health_counts_cameras_and_says_the_ages_of_the_last_inferences(client, site, make):
    site.cameras.known["gate-2"] = make.report("gate-2", inference_age_s=4.0)
    site.cameras.known["gate-3"] = make.report("gate-3", CameraStatus.DISABLED, inference_age_s=99.0)

    health = client.get("/health").json()

    assert health["cameras"] == {"CONNECTING": 0, "MONITORED": 2, "DEGRADED": 0, "UNMONITORED": 0, "DISABLED": 1}
    assert health["inference_age_s"] == {"max": 4.0, "min": 0.2}
    assert health["release"] == "test"


def test_a_camera_that_connects_for_too_long_is_not_watched(site, make):
    from deployments.ingress.watchfulness import Watchfulness

    now = [0.0]
    watchfulness = Watchfulness(30.0, 300.0, lambda: now[0])
    reports = [make.report("gate-1", CameraStatus.CONNECTING)]

    first = watchfulness.judge(reports)
    now[0] = 31.0

    assert first.watched == ("gate-1",)
    assert watchfulness.judge(reports).watched == ()


def test_a_lost_critical_event_is_told_for_a_while_and_again_when_another_is_lost(make):
    from deployments.ingress.watchfulness import Watchfulness

    now = [0.0]
    watchfulness = Watchfulness(30.0, 300.0, lambda: now[0])

    told = []
    for now[0], lost in [(0.0, 0), (1.0, 1), (299.0, 1), (302.0, 1), (303.0, 2)]:
        told.append(watchfulness.lost_critical([make.report(outbox_dropped_critical=lost)]))

    assert told == [[], ["gate-1"], ["gate-1"], [], ["gate-1"]]


def test_probes_at_the_same_moment_ask_the_database_once(site, make):
    import asyncio

    from deployments.ingress.health import HealthBoard
    from deployments.ingress.limits import Limits

    async def probe():
        board = HealthBoard(site.services, Limits())
        await asyncio.gather(*(board.look() for _ in range(50)))

    asyncio.run(probe())

    assert site.events.pings == 1


def test_live_answers_whatever_is_away_and_ready_needs_the_supervisor(client, site):
    site.cameras.away = site.events.away = site.snapshots.away = True

    live, ready = client.get("/health/live"), client.get("/health/ready")
    site.cameras.away = False

    assert (live.status_code, ready.status_code) == (200, 503)
    assert ready.json()["reason"]
    assert client.get("/health/ready").status_code == 200


def test_probes_may_ask_by_any_name(client):
    assert client.get("/health", headers={"Host": "10.1.2.3:8001"}).status_code == 200


@pytest.mark.parametrize(
    ("caller", "is_told"),
    [("nobody", False), ("revoked", False), ("foreign", False), ("other", False), ("viewer", True), ("admin", True)],
)
def test_reasons_are_for_who_sees_all_cameras_and_states_and_counts_for_everybody(
    signed_client, signed_site, tokens, make, caller, is_told
):
    _one_camera_blind(signed_site, make)
    _outbox_dropped_info(signed_site, make)
    answer = signed_client.get("/health", headers=tokens.header(caller))
    health = answer.json()

    assert (answer.status_code, health["status"], health["parts"]["cameras"]["status"]) == (200, "degraded", "degraded")
    assert (health["cameras"]["MONITORED"], health["cameras"]["UNMONITORED"]) == (1, 1)
    assert ("gate-2" in answer.text, "gate-1" in answer.text) == (is_told, is_told)


def test_who_cannot_be_looked_up_in_time_is_told_the_states_in_time(signed_site, signed_engine, tokens, make):
    _one_camera_blind(signed_site, make)
    signed_site.accounts.tokens.get = lambda token_id: asyncio.sleep(3600)
    limits = replace(make.QUICK, health_deadline_s=0.5)
    with client_of(signed_site, limits, close_engine=signed_engine.dispose) as client:
        answer = client.get("/health", headers=tokens.header("admin"))

    assert (answer.status_code, answer.json()["status"], "gate-2" in answer.text) == (200, "degraded", False)


@pytest.mark.parametrize(("address", "is_told"), [("127.0.0.1", True), ("10.0.0.9", False)])
def test_without_sign_in_reasons_are_for_this_machine(site, make, address, is_told):
    _one_camera_blind(site, make)
    with TestClient(site.app(), base_url="http://localhost:8001", client=(address, 50000)) as client:
        assert ("gate-2" in client.get("/health").text) is is_told
