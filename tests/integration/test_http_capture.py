"""The capture loop against a camera that speaks HTTP: motion JPEG, HLS, logins and pages that are no video."""

import contextlib
import hashlib
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
from counterparts.watched_camera import camera_at, watching

from cluster.camera.api_sources import open_checked
from cluster.camera.sources import open_source
from cluster.safety.errors import CameraError, CameraNotFound, CameraUnauthorized, CameraUnreadable
from cluster.settings.site import ApiCameraSettings

_NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class _HttpCamera(BaseHTTPRequestHandler):
    """/video streams parts; /hls/ serves `folder`; /locked and /digest want a login; /page is no video; /to/
    sends elsewhere; /secret is what a stranger wants this machine to ask for."""

    folder: Path | None = None
    secrets_given = 0

    def do_GET(self) -> None:
        match self.path:
            case "/video":
                self._stream()
            case path if path.startswith("/to/"):
                self.send_response(302)
                self.send_header("Location", path.removeprefix("/to"))
                self.end_headers()
            case "/secret":
                type(self).secrets_given += 1
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
    with watching(camera_at(f"http://{http_camera}/video")) as watched:
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
        open_source(camera_at(address.format(http_camera)))

    assert "wrong" not in str(raised.value)


def test_a_declared_camera_may_send_elsewhere(http_camera):
    with watching(camera_at(f"http://{http_camera}/to/video")) as watched:
        watched.more_frames()

    assert watched.last.size == (320, 240)


@pytest.mark.parametrize("login", ["", "admin:right@"])
def test_a_camera_of_the_api_sends_this_machine_nowhere_else(http_camera, monkeypatch, login):
    monkeypatch.setattr(_HttpCamera, "secrets_given", 0)
    camera = camera_at(f"http://{login}{http_camera}/to/secret")

    with pytest.raises(CameraUnreadable, match="sends elsewhere"):
        open_checked(ApiCameraSettings(), camera)

    assert _HttpCamera.secrets_given == 0
    open_checked(ApiCameraSettings(), camera_at(f"http://{http_camera}/video")).close()


@pytest.mark.parametrize(("password", "says"), [("right", "no video"), ("wrong", "refuses user or password")])
def test_a_digest_login_over_http_is_answered(http_camera, password, says):
    with pytest.raises(CameraError, match=says):
        open_source(camera_at(f"http://admin:{password}@{http_camera}/digest"))


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
    with watching(camera_at(f"http://{http_camera}/hls/playlist.m3u8")) as watched:
        watched.more_frames(60)

    assert watched.last.size == (320, 240)
    assert watched.loop.health().codec == "h264"
