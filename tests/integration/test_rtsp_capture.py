"""The capture loop against real RTSP servers that die, hang, lie and change their minds."""

import threading

import cv2
import numpy as np
import pytest
from counterparts.waiting import wait_for
from counterparts.watched_camera import camera_at, watching

from cluster.camera.opening import probe
from cluster.safety.errors import CameraNotFound, CameraUnauthorized, CameraUnreachable
from cluster.settings.cameras import PictureHealthSettings


def test_frames_of_an_rtsp_camera_come_numbered_and_timed(rtsp_server):
    with watching(camera_at(rtsp_server.url)) as watched:
        watched.more_frames()
        health = watched.loop.health()

    assert watched.sequences == list(range(1, len(watched.sequences) + 1))
    assert watched.last.correlation_id == f"gate-1-7-{watched.last.sequence}"
    assert (health.connected, health.blind_reason, health.codec) == (True, "", "h264")
    assert (health.width, health.height) == watched.last.size == (640, 360)
    assert health.fps > 0


def test_frames_come_over_udp_on_request(rtsp_server):
    with watching(camera_at(rtsp_server.url, transport="udp")) as watched:
        watched.more_frames()


def test_a_server_that_dies_and_comes_back_gives_frames_again_in_the_same_loop(rtsp_server):
    with watching(camera_at(rtsp_server.url)) as watched:
        watched.more_frames()
        rtsp_server.stop()
        watched.blind("unreachable")
        assert not watched.loop.health().connected
        rtsp_server.start()
        watched.more_frames()
        health = watched.loop.health()

    assert watched.sequences == list(range(1, len(watched.sequences) + 1))
    assert health.blind_reason == ""
    assert health.reconnects >= 1


def test_a_server_that_hangs_without_closing_is_noticed_and_comes_back(rtsp_server):
    with watching(camera_at(rtsp_server.url, read_timeout_s=2, open_timeout_s=2)) as watched:
        watched.more_frames()
        rtsp_server.freeze()
        watched.blind("stalled")
        frames = len(watched.sequences)
        watched.blind("unreachable")
        assert len(watched.sequences) == frames, "a frame from before the stall was handed on as new"
        rtsp_server.thaw()
        watched.more_frames()

    assert watched.loop.health().abandoned_readers == 0


def test_a_reset_connection_is_opened_again(rtsp_server, start_tcp_proxy):
    proxy = start_tcp_proxy(rtsp_server.port)
    with watching(camera_at(rtsp_server.url_on(proxy.port))) as watched:
        watched.more_frames()
        proxy.cut()
        wait_for("the loop to notice", lambda: watched.loop.health().reconnects >= 1)
        watched.more_frames()


def test_garbage_in_the_stream_is_survived(rtsp_server, start_tcp_proxy):
    proxy = start_tcp_proxy(rtsp_server.port)
    with watching(camera_at(rtsp_server.url_on(proxy.port), read_timeout_s=2)) as watched:
        watched.more_frames()
        for _ in range(3):
            proxy.spoil(20_000)
            watched.more_frames()

    assert watched.loop.health().abandoned_readers == 0


@pytest.mark.parametrize("size", [(1280, 720), (320, 180), (640, 480)])
def test_another_frame_size_in_mid_stream_is_survived(rtsp_server, size):
    with watching(camera_at(rtsp_server.url, privacy_masks=[[(0, 0), (0.5, 0), (0.5, 1), (0, 1)]])) as watched:
        watched.more_frames()
        rtsp_server.size(*size)
        watched.more_frames(45)

    assert not watched.last.image[:, : watched.last.size[0] // 2].any(), "the privacy mask was lost"


@pytest.mark.parametrize("login", ["digest", "basic"])
def test_a_right_password_with_odd_signs_is_let_in(start_rtsp_server, monkeypatch, login):
    password = "p@ss/w0:#rd %41"
    server = start_rtsp_server(user="admin", password="p@ss/w0:#rd %zz", login=login)
    monkeypatch.setenv("GATE_PASSWORD", password.replace("%41", "%zz"))

    with watching(camera_at(f"rtsp://admin:${{GATE_PASSWORD}}@127.0.0.1:{server.port}/live")) as watched:
        watched.more_frames()


@pytest.mark.parametrize("login", ["digest", "basic"])
def test_a_wrong_password_is_tried_once_and_then_slowly(start_rtsp_server, start_tcp_proxy, login):
    server = start_rtsp_server(user="admin", password="right", login=login)
    proxy = start_tcp_proxy(server.port)
    with watching(camera_at(f"rtsp://admin:wrong@127.0.0.1:{proxy.port}/live")) as watched:
        watched.blind("unauthorized")
        # Long enough for the quick pauses of any other error.
        assert not threading.Event().wait(3)
        health = watched.loop.health()

    assert (proxy.logins, health.reconnects) == (1, 0)
    assert "wrong" not in health.blind_reason


def test_a_camera_that_wants_a_password_and_gets_none_says_so(start_rtsp_server):
    server = start_rtsp_server(user="admin", password="right")

    with pytest.raises(CameraUnauthorized, match="wants a user and a password"):
        probe(camera_at(server.url))


@pytest.mark.parametrize("login", ["", "admin:right@"])
def test_a_path_that_does_not_exist_is_told_apart(start_rtsp_server, login):
    server = start_rtsp_server(user="admin", password="right") if login else start_rtsp_server()

    with pytest.raises(CameraNotFound, match="has no stream /nope"):
        probe(camera_at(f"rtsp://{login}127.0.0.1:{server.port}/nope"))


def test_a_server_that_is_not_there_is_told_apart(rtsp_server):
    rtsp_server.stop()

    with pytest.raises(CameraUnreachable, match="refuses the connection"):
        probe(camera_at(rtsp_server.url))


def test_a_server_that_never_answers_is_given_up_in_time(rtsp_server):
    rtsp_server.freeze()

    with pytest.raises(CameraUnreachable, match="within 1 s"):
        probe(camera_at(rtsp_server.url, open_timeout_s=1))


def test_the_probe_tells_size_rate_and_codec(rtsp_server):
    facts = probe(camera_at(rtsp_server.url))

    assert (facts.width, facts.height, facts.fps, facts.codec) == (640, 360, 15.0, "h264")


def test_a_picture_that_stands_still_is_blind_until_it_moves_again(rtsp_server):
    fast = PictureHealthSettings(frozen_after_s=2, recover_after_s=0.5)
    with watching(camera_at(rtsp_server.url, picture_health=fast)) as watched:
        watched.more_frames()
        rtsp_server.pattern("gradient")
        watched.blind("frozen")
        assert watched.loop.health().connected
        rtsp_server.pattern("ball")
        wait_for("a picture that is believed again", lambda: watched.loop.health().blind_reason == "")


def test_a_black_picture_is_a_covered_lens(rtsp_server):
    with watching(camera_at(rtsp_server.url, picture_health=PictureHealthSettings(covered_after_s=1))) as watched:
        watched.more_frames()
        rtsp_server.pattern("black")
        watched.blind("covered")


def test_recorded_frames_are_served_as_a_camera(start_rtsp_server, frames_of_clip, tmp_path):
    clip = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"mp4v"), 15, (320, 240))
    for step in range(15):
        writer.write(np.full((240, 320, 3), (0, 0, 10 * step + 50), np.uint8))
    writer.release()
    server = start_rtsp_server(frames=frames_of_clip(clip), width=320, height=240)

    with watching(camera_at(server.url)) as watched:
        watched.more_frames(40)

    assert watched.last.image[..., 2].mean() > 40 > watched.last.image[..., 0].mean()
