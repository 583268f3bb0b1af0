"""Real RTSP cameras that tests stop, freeze and change (GStreamer's server, see rtsp_server.py)."""

import functools
import json
import select
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from counterparts.postgres import missing_counterpart
from counterparts.tcp_proxy import TcpProxy

_PYTHON = "/usr/bin/python3"
_SCRIPT = Path(__file__).with_name("rtsp_server.py")
_LONGEST_START_S = 30
_PACKAGES = (
    "gstreamer1.0-rtsp gir1.2-gst-rtsp-server-1.0 python3-gst-1.0 gstreamer1.0-plugins-good "
    "gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav"
)
_ASK_VERSION = (
    "import gi; gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0')\n"
    "from gi.repository import Gst, GstRtspServer\n"
    "Gst.init(None)\n"
    "assert Gst.ElementFactory.find('x264enc'), 'x264enc is missing'\n"
    "print(Gst.version_string())"
)


class RtspServer:
    """One server at `url`; keeps its port over `stop` and `start`."""

    def __init__(self, **options: object) -> None:
        self._options = options
        self._process: subprocess.Popen[str] | None = None
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return self.url_on(self.port)

    def url_on(self, port: int, path: str = "/live") -> str:
        """The same camera behind a proxy, or with another path; no login in it."""
        return f"rtsp://127.0.0.1:{port}{path}"

    def start(self) -> None:
        options = {**self._options, "port": self.port}
        arguments = [text for key, value in options.items() for text in (f"--{key}", str(value))]
        self._process = subprocess.Popen(
            [_PYTHON, str(_SCRIPT), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.port = int(self._answer()["port"])

    def stop(self) -> None:
        """Dies at once, as a camera that loses its power does."""
        if self._process is None:
            return
        self._process.kill()
        self._process.communicate()
        self._process = None

    def freeze(self) -> None:
        """Connections stay open and nothing comes."""
        self._running.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._running.send_signal(signal.SIGCONT)

    def size(self, width: int, height: int) -> None:
        """Another frame size, in mid-stream."""
        self._command(f"size {width} {height}")

    def pattern(self, name: str) -> None:
        """Another test picture of videotestsrc: `gradient` stands still, `black` shows nothing, `ball` moves."""
        self._command(f"pattern {name}")

    @property
    def _running(self) -> "subprocess.Popen[str]":
        assert self._process is not None, "the server is stopped"
        return self._process

    def _command(self, line: str) -> None:
        stdin = self._running.stdin
        assert stdin is not None
        stdin.write(line + "\n")
        stdin.flush()
        self._answer()

    def _answer(self) -> dict[str, object]:
        stdout = self._running.stdout
        assert stdout is not None
        ready, _, _ = select.select([stdout], [], [], _LONGEST_START_S)
        line = stdout.readline() if ready else ""
        if not line:
            pytest.fail("the RTSP server does not answer")
        return dict(json.loads(line))


@functools.cache
def _version() -> str:
    if not Path(_PYTHON).exists():
        raise FileNotFoundError(_PYTHON)
    asked = subprocess.run([_PYTHON, "-c", _ASK_VERSION], capture_output=True, text=True, timeout=60, check=False)
    if asked.returncode:
        raise RuntimeError(asked.stderr.strip().splitlines()[-1])
    return asked.stdout.strip()


def pytest_report_header() -> str:
    try:
        return f"rtsp server: {_version()} (x264enc)"
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        return f"rtsp server: none ({error})"


@pytest.fixture
def start_rtsp_server() -> Iterator[Callable[..., RtspServer]]:
    """Starts servers; options as in rtsp_server.py (width, height, fps, pattern, frames, user, password, login)."""
    try:
        _version()
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        missing_counterpart(f"an RTSP server (apt-get install -y {_PACKAGES})", error)
    servers: list[RtspServer] = []

    def start(**options: object) -> RtspServer:
        servers.append(RtspServer(**options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def rtsp_server(start_rtsp_server: Callable[..., RtspServer]) -> RtspServer:
    """A moving test picture, 640x360 at 15 frames a second, no login."""
    return start_rtsp_server()


@pytest.fixture
def start_tcp_proxy() -> Iterator[Callable[[int], TcpProxy]]:
    """Starts proxies in front of a port."""
    proxies: list[TcpProxy] = []

    def start(port: int) -> TcpProxy:
        proxies.append(TcpProxy(port))
        return proxies[-1]

    yield start
    for proxy in proxies:
        proxy.close()


@pytest.fixture
def frames_of_clip(tmp_path: Path) -> Callable[[Path], Path]:
    """Unpacks a video file into the folder of JPEGs that the server's option `frames` wants."""

    def unpack(clip: Path) -> Path:
        import cv2

        folder = tmp_path / f"frames-{clip.stem}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        capture, index = cv2.VideoCapture(str(clip), cv2.CAP_FFMPEG), 0
        while (read := capture.read())[0]:
            cv2.imwrite(str(folder / f"{index:06d}.jpg"), read[1])
            index += 1
        assert index, f"{clip} has no frames"
        return folder

    return unpack
