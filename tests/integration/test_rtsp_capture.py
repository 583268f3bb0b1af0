"""The capture loop against real servers that die, hang, lie and change their minds."""

import contextlib
import hashlib
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

from cluster.camera.capture import CaptureLoop
from cluster.camera.opening import probe
from cluster.camera.sources import open_source
from cluster.safety.errors import CameraError, CameraNotFound, CameraUnauthorized, CameraUnreachable, CameraUnreadable
from cluster.safety.frames import Frame
from cluster.settings.cameras import CameraSettings, PictureHealthSettings

_GENEROUS_S = 40.0


def camera(source: str, **settings: object) -> CameraSettings:
    return CameraSettings(camera_id="gate-1", source=source, **settings)


def until(condition: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + _GENEROUS_S
    while not condition():
        assert time.monotonic() < deadline_s, f"waited {_GENEROUS_S:g} s for: {what}"
        time.sleep(0.02)


class Watched:
    """A loop that runs, and what it gave."""

    def __init__(self, settings: CameraSettings) -> None:
        self.sequences: list[int] = []
        self.last: Frame | None = None
        self.loop = CaptureLoop(settings, 7, on_frame=self._keep)
        self._thread = threading.Thread(target=self.loop.run, daemon=True)
        self._thread.start()

    def _keep(self, frame: Frame) -> None:
        self.sequences.append(frame.sequence)
        self.last = frame

    def more_frames(self, count: int = 20) -> None:
        goal = len(self.sequences) + count
        until(lambda: len(self.sequences) >= goal, f"{count} more frames; {self.loop.health()}")

    def blind(self, *codes: str) -> None:
        until(lambda: self.loop.health().error_code in codes, f"{codes}; {self.loop.health()}")

    def end(self) -> None:
        assert self.loop.stop(10)
        self._thread.join(10)


@contextlib.contextmanager
def watching(settings: CameraSettings) -> Iterator[Watched]:
    watched = Watched(settings)
    try:
        yield watched
    finally:
        watched.end()


def test_frames_of_an_rtsp_camera_come_numbered_and_timed(rtsp_server):
    with watching(camera(rtsp_server.url)) as watched:
        watched.more_frames()
        health = watched.loop.health()

    assert watched.sequences == list(range(1, len(watched.sequences) + 1))
    assert watched.last.correlation_id == f"gate-1-7-{watched.last.sequence}"
    assert (health.connected, health.blind_reason, health.codec) == (True, "", "h264")
    assert (health.width, health.height) == watched.last.size == (640, 360)
    assert health.fps > 0


def test_frames_come_over_udp_on_request(rtsp_server):
    with watching(camera(rtsp_server.url, transport="udp")) as watched:
        watched.more_frames()


def test_a_server_that_dies_and_comes_back_gives_frames_again_in_the_same_loop(rtsp_server):
    with watching(camera(rtsp_server.url)) as watched:
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
    with watching(camera(rtsp_server.url, read_timeout_s=2, open_timeout_s=2)) as watched:
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
    with watching(camera(rtsp_server.url_on(proxy.port))) as watched:
        watched.more_frames()
        proxy.cut()
        until(lambda: watched.loop.health().reconnects >= 1, "the loop to notice")
        watched.more_frames()


def test_garbage_in_the_stream_is_survived(rtsp_server, start_tcp_proxy):
    proxy = start_tcp_proxy(rtsp_server.port)
    with watching(camera(rtsp_server.url_on(proxy.port), read_timeout_s=2)) as watched:
        watched.more_frames()
        for _ in range(3):
            proxy.spoil(20_000)
            watched.more_frames()

    assert watched.loop.health().abandoned_readers == 0


@pytest.mark.parametrize("size", [(1280, 720), (320, 180), (640, 480)])
def test_another_frame_size_in_mid_stream_is_survived(rtsp_server, size):
    with watching(camera(rtsp_server.url, privacy_masks=[[(0, 0), (0.5, 0), (0.5, 1), (0, 1)]])) as watched:
        watched.more_frames()
        rtsp_server.size(*size)
        watched.more_frames(45)

    assert not watched.last.image[:, : watched.last.size[0] // 2].any(), "the privacy mask was lost"


@pytest.mark.parametrize("login", ["digest", "basic"])
def test_a_right_password_with_odd_signs_is_let_in(start_rtsp_server, monkeypatch, login):
    password = "p@ss/w0:#rd %41"
    server = start_rtsp_server(user="admin", password="p@ss/w0:#rd %zz", login=login)
    monkeypatch.setenv("GATE_PASSWORD", password.replace("%41", "%zz"))

    with watching(camera(f"rtsp://admin:${{GATE_PASSWORD}}@127.0.0.1:{server.port}/live")) as watched:
        watched.more_frames()


@pytest.mark.parametrize("login", ["digest", "basic"])
def test_a_wrong_password_is_tried_once_and_then_slowly(start_rtsp_server, start_tcp_proxy, login):
    server = start_rtsp_server(user="admin", password="right", login=login)
    proxy = start_tcp_proxy(server.port)
    with watching(camera(f"rtsp://admin:wrong@127.0.0.1:{proxy.port}/live")) as watched:
        watched.blind("unauthorized")
        # Long enough for the quick pauses of any other error.
        assert not threading.Event().wait(3)
        health = watched.loop.health()

    assert (proxy.logins, health.reconnects) == (1, 0)
    assert "wrong" not in health.blind_reason


def test_a_camera_that_wants_a_password_and_gets_none_says_so(start_rtsp_server):
    server = start_rtsp_server(user="admin", password="right")

    with pytest.raises(CameraUnauthorized, match="wants a user and a password"):
        probe(camera(server.url))


@pytest.mark.parametrize("login", ["", "admin:right@"])
def test_a_path_that_does_not_exist_is_told_apart(start_rtsp_server, login):
    server = start_rtsp_server(user="admin", password="right") if login else start_rtsp_server()

    with pytest.raises(CameraNotFound, match="has no stream /nope"):
        probe(camera(f"rtsp://{login}127.0.0.1:{server.port}/nope"))


def test_a_server_that_is_not_there_is_told_apart(rtsp_server):
    rtsp_server.stop()

    with pytest.raises(CameraUnreachable, match="refuses the connection"):
        probe(camera(rtsp_server.url))


def test_a_server_that_never_answers_is_given_up_in_time(rtsp_server):
    rtsp_server.freeze()

    with pytest.raises(CameraUnreachable, match="within 1 s"):
        probe(camera(rtsp_server.url, open_timeout_s=1))


def test_the_probe_tells_size_rate_and_codec(rtsp_server):
    facts = probe(camera(rtsp_server.url))

    assert (facts.width, facts.height, facts.fps, facts.codec) == (640, 360, 15.0, "h264")


def test_a_picture_that_stands_still_is_blind_until_it_moves_again(rtsp_server):
    fast = PictureHealthSettings(frozen_after_s=2, recover_after_s=0.5)
    with watching(camera(rtsp_server.url, picture_health=fast)) as watched:
        watched.more_frames()
        rtsp_server.pattern("gradient")
        watched.blind("frozen")
        assert watched.loop.health().connected
        rtsp_server.pattern("ball")
        until(lambda: watched.loop.health().blind_reason == "", "the picture to be believed again")


def test_a_black_picture_is_a_covered_lens(rtsp_server):
    with watching(camera(rtsp_server.url, picture_health=PictureHealthSettings(covered_after_s=1))) as watched:
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

    with watching(camera(server.url)) as watched:
        watched.more_frames(40)

    assert watched.last.image[..., 2].mean() > 40 > watched.last.image[..., 0].mean()


_NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class _HttpCamera(BaseHTTPRequestHandler):
    """/video streams parts; /hls/ serves `folder`; /locked and /digest want a login; /page is no video."""

    folder: Path | None = None

    def do_GET(self) -> None:
        match self.path:
            case "/video":
                self._stream()
            case "/locked":
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                self.end_headers()
            case "/digest":
                self._let_in() if self._knows_the_password() else self._challenge()
            case path if path.startswith("/hls/") and self.folder is not None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write((self.folder / Path(path).name).read_bytes())
            case "/page":
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<html>no video</html>" * 100)
            case _:
                self.send_error(404)

    def _challenge(self) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", f'Digest realm="camera", nonce="{_NONCE}", qop="auth", algorithm=SHA-256')
        self.end_headers()

    def _let_in(self) -> None:
        self.send_response(200)
        self.end_headers()

    def _knows_the_password(self) -> bool:
        """As RFC 7616 has it, for admin and right."""
        answer = dict(re.findall(r'(\w+)="?([^",]+)', self.headers.get("Authorization", "")))
        secret, request = _sha256("admin:camera:right"), _sha256("GET:/digest")
        expected = _sha256(f"{secret}:{_NONCE}:{answer.get('nc')}:{answer.get('cnonce')}:auth:{request}")
        return answer.get("response") == expected

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        with contextlib.suppress(OSError):
            for step in range(10_000):
                picture = np.full((240, 320, 3), step % 200 + 30, np.uint8)
                picture[:, : step % 300] = 0
                jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg + b"\r\n")
                threading.Event().wait(0.05)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def http_camera() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _HttpCamera)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_frames_of_a_motion_jpeg_camera_come(http_camera):
    with watching(camera(f"http://{http_camera}/video")) as watched:
        watched.more_frames()

    assert watched.last.size == (320, 240)


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("http://{}/nope", CameraNotFound),
        ("http://{}/locked", CameraUnauthorized),
        ("http://admin:wrong@{}/locked", CameraUnauthorized),
        ("http://{}/page", CameraUnreadable),
    ],
)
def test_why_a_http_camera_gives_no_video_is_told(http_camera, address: str, error: type[CameraError]):
    with pytest.raises(error) as raised:
        open_source(camera(address.format(http_camera)))

    assert "wrong" not in str(raised.value)


@pytest.mark.parametrize(("password", "says"), [("right", "no video"), ("wrong", "refuses user or password")])
def test_a_digest_login_over_http_is_answered(http_camera, password, says):
    with pytest.raises(CameraError, match=says):
        open_source(camera(f"http://admin:{password}@{http_camera}/digest"))


@pytest.fixture
def hls_folder(rtsp_server, tmp_path, monkeypatch) -> Path:
    """A playlist of three segments; made by the GStreamer that `rtsp_server` has proven to be there."""
    make = (
        "import gi; gi.require_version('Gst', '1.0')\n"
        "from gi.repository import Gst\n"
        "Gst.init(None)\n"
        "line = Gst.parse_launch('videotestsrc num-buffers=90 ! video/x-raw,width=320,height=240,framerate=30/1 '\n"
        "    '! x264enc key-int-max=30 ! mpegtsmux ! hlssink target-duration=1 playlist-length=0')\n"
        "line.set_state(Gst.State.PLAYING)\n"
        "line.get_bus().timed_pop_filtered(60 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)\n"
        "line.set_state(Gst.State.NULL)\n"
    )
    subprocess.run(["/usr/bin/python3", "-c", make], cwd=tmp_path, check=True, timeout=90)
    monkeypatch.setattr(_HttpCamera, "folder", tmp_path)
    return tmp_path


def test_frames_of_an_hls_camera_come(http_camera, hls_folder):
    with watching(camera(f"http://{http_camera}/hls/playlist.m3u8")) as watched:
        watched.more_frames(60)

    assert watched.last.size == (320, 240)
    assert watched.loop.health().codec == "h264"
