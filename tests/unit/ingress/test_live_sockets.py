"""The socket of one camera's live picture: frames, their acknowledgement, and blindness that is never hidden."""

from dataclasses import replace

import pytest
from counterparts.viewer_sockets import LIVE, client_of, closed_by, frame_of
from counterparts.waiting import wait_for

from cluster.safety.status import CameraStatus


def test_a_frame_message_holds_everything_that_is_drawn(client, site, make):
    site.cameras.pictures["gate-1"] = make.picture(sequence=5)

    with client.websocket_connect(LIVE) as socket:
        header, jpeg = frame_of(socket)

    assert jpeg == b"frame 5"
    assert header["correlation_id"] == "gate-1-3-5"
    assert (header["status"], header["width"], header["time"]) == ("MONITORED", 640, "2026-11-22T03:00:05.000Z")
    assert header["boxes"] == [{"label": "person", "confidence": 0.78, "box": [0.4, 0.2, 0.6, 0.9], "track_id": 7}]
    assert header["boxes_sequence"] == 5
    assert (header["zones"][0]["zone_id"], header["zones"][0]["occupied"]) == ("press", True)


def test_at_most_two_frames_are_on_their_way_and_the_next_is_the_newest(client, site, make):
    site.cameras.pictures["gate-1"] = make.picture(sequence=1)
    with client.websocket_connect(LIVE) as socket:
        first, _ = frame_of(socket, acknowledge=False)
        site.cameras.pictures["gate-1"] = make.picture(sequence=2)
        second, _ = frame_of(socket, acknowledge=False)

        for sequence in range(3, 40):
            site.cameras.pictures["gate-1"] = make.picture(sequence=sequence)
            pulls = site.cameras.pulls
            wait_for("another pull", lambda pulls=pulls: site.cameras.pulls > pulls, every_s=0.005)
        socket.send_json({"ack": 1})
        third, _ = frame_of(socket)

    # Had a third frame been on its way, it would have been one of those before the last.
    assert [first["sequence"], second["sequence"], third["sequence"]] == [1, 2, 39]


def test_a_slow_viewer_delays_nobody_and_shares_the_puller(client, site, make):
    site.cameras.pictures["gate-1"] = make.picture(sequence=1)
    with client.websocket_connect(LIVE) as slow, client.websocket_connect(LIVE) as fast:
        frame_of(slow, acknowledge=False)
        seen = []
        for sequence in range(2, 30):
            seen.append(frame_of(fast)[0]["sequence"])
            site.cameras.pictures["gate-1"] = make.picture(sequence=sequence)

        assert seen == list(range(1, 29))
        assert site.cameras.pulling <= 1


def test_viewers_of_different_profiles_have_a_puller_each_and_the_last_one_stops_it(client, site, make):
    site.cameras.pictures["gate-1"] = make.picture()
    with client.websocket_connect(LIVE) as wall, client.websocket_connect(f"{LIVE}&profile=full") as full:
        frame_of(wall)
        frame_of(full)
        assert len(client.app.state.live.pullers) == 2

    wait_for("the pullers to end", lambda: len(client.app.state.live.pullers) == 0, every_s=0.01)
    assert site.cameras.pulling == 0


@pytest.mark.parametrize("how", ["says it", "process dies", "old jpeg beside a blind status"])
def test_a_camera_that_goes_blind_sends_its_status_again_and_again_and_no_picture(client, site, make, how):
    site.cameras.pictures["gate-1"] = make.picture()
    with client.websocket_connect(LIVE) as socket:
        frame_of(socket)
        if how == "process dies":
            site.cameras.gone.add("gate-1")
        else:
            lies = make.picture(sequence=9, status=CameraStatus.UNMONITORED, reason="frozen")
            site.cameras.pictures["gate-1"] = make.blind() if how == "says it" else lies

        messages = [frame_of(socket) for _ in range(3)]

    assert [(header["status"], jpeg) for header, jpeg in messages] == [("UNMONITORED", b"")] * 3
    assert all(header["reason"] and not header["boxes"] for header, _ in messages)


def test_a_camera_that_sees_again_is_shown_again(client, site, make):
    site.cameras.pictures["gate-1"] = make.blind()
    with client.websocket_connect(LIVE) as socket:
        assert frame_of(socket)[0]["status"] == "UNMONITORED"
        site.cameras.pictures["gate-1"] = make.picture(sequence=1, epoch=4)

        jpegs = [frame_of(socket)[1]]
        while not jpegs[-1]:
            jpegs.append(frame_of(socket)[1])

    assert jpegs[-1] == b"frame 1"


def test_an_actor_that_answers_nothing_new_for_long_is_believed_only_with_the_supervisor(site, make):
    site.cameras.pictures["gate-1"] = make.picture()
    with client_of(site, replace(make.QUICK, silent_after_s=0.3, pull_timeout_s=0.05)) as client:  # noqa: SIM117
        with client.websocket_connect(LIVE) as socket:
            frame_of(socket)
            site.cameras.known["gate-1"] = make.report("gate-1", CameraStatus.UNMONITORED, reason="process restarts")

            header, jpeg = frame_of(socket)

    assert (header["status"], header["reason"], jpeg) == ("UNMONITORED", "process restarts", b"")


def test_a_viewer_that_acknowledges_nothing_is_closed(site, make):
    site.cameras.pictures["gate-1"] = make.blind()
    with client_of(site, replace(make.QUICK, acknowledge_within_s=0.1)) as client:  # noqa: SIM117
        with client.websocket_connect(LIVE) as socket:
            code, reason = closed_by(socket)

    assert code == 4008
    assert "acknowledgement" in reason
    assert site.metrics.open == 0


def test_an_acknowledgement_is_measured(client, site, make):
    site.cameras.pictures["gate-1"] = make.picture()
    with client.websocket_connect(LIVE) as socket:
        frame_of(socket)
        wait_for("the acknowledgement", lambda: site.metrics.acknowledged_s, every_s=0.01)

    assert len(site.metrics.acknowledged_s) == 1
