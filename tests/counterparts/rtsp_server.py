"""A real RTSP server (GStreamer's) that a test steers; runs under Debian's own Python, which has `gi`.

    /usr/bin/python3 rtsp_server.py --port 8554 --user admin --password secret

Serves H.264 at /live: a moving test pattern with noise, or the JPEG frames of a folder, for ever. One line of
JSON on stdout for the start and for each command on stdin:

    size 1280 720      another frame size, in mid-stream
    pattern black      another test pattern (ball, smpte, black, white, ...)
    quit               ends; so does the end of stdin, so that no server outlives its test
"""

import argparse
import json
import sys
import threading
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

_ENCODE = (
    "x264enc tune=zerolatency speed-preset=ultrafast bitrate=4000 key-int-max={gop} "
    "! rtph264pay name=pay0 config-interval=-1 pt=96"
)
_PATTERN = "videotestsrc is-live=true name=pattern pattern={pattern} ! "
_FRAMES = (
    'multifilesrc location="{folder}/%06d.jpg" loop=true caps=image/jpeg,framerate={fps}/1 '
    "! jpegdec ! identity sync=true ! videoconvert ! videoscale ! "
)
_SIZE = "capsfilter name=size caps={caps} ! "


class Server:
    """One mount, /live, shared by all clients."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._media: list[GstRtspServer.RTSPMedia] = []
        self._loop = GLib.MainLoop()
        self._server = GstRtspServer.RTSPServer()
        self._server.set_address(arguments.host)
        self._server.set_service(str(arguments.port))
        self._factory = GstRtspServer.RTSPMediaFactory()
        self._factory.set_launch(self._launch_line())
        self._factory.set_shared(True)
        self._factory.connect("media-configure", self._configured)
        if arguments.user:
            self._require_login()
        self._server.get_mount_points().add_factory("/live", self._factory)

    def run(self) -> None:
        if not self._server.attach(None):
            sys.exit(f"port {self._arguments.port} is busy")
        _say(event="ready", port=self._server.get_bound_port(), version=Gst.version_string())
        threading.Thread(target=self._read_commands, daemon=True).start()
        self._loop.run()

    def _launch_line(self) -> str:
        a = self._arguments
        start = _FRAMES.format(folder=a.frames, fps=a.fps) if a.frames else _PATTERN.format(pattern=a.pattern)
        size = _SIZE.format(caps=f"video/x-raw,format=I420,width={a.width},height={a.height},framerate={a.fps}/1")
        return f"( {start}{size}{_ENCODE.format(gop=a.fps)} )"

    def _require_login(self) -> None:
        a = self._arguments
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "viewer")
        auth = GstRtspServer.RTSPAuth()
        if a.login == "digest":
            auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
            auth.add_digest(a.user, a.password, token)
        else:
            auth.add_basic(GstRtspServer.RTSPAuth.make_basic(a.user, a.password), token)
        self._server.set_auth(auth)
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("viewer", "media.factory.access", True)
        permissions.add_permission_for_role("viewer", "media.factory.construct", True)
        self._factory.set_permissions(permissions)

    def _configured(self, _: GstRtspServer.RTSPMediaFactory, media: GstRtspServer.RTSPMedia) -> None:
        self._media = [media]

    def _read_commands(self) -> None:
        for line in sys.stdin:
            GLib.idle_add(self._obey, line.split())
        GLib.idle_add(self._loop.quit)

    def _obey(self, words: list[str]) -> bool:
        match words:
            case ["size", width, height]:
                self._arguments.width, self._arguments.height = int(width), int(height)
                caps = f"video/x-raw,format=I420,width={width},height={height},framerate={self._arguments.fps}/1"
                self._set("size", "caps", Gst.Caps.from_string(caps))
            case ["pattern", name]:
                self._arguments.pattern = name
                self._set("pattern", "pattern", name)
            case ["quit"]:
                self._loop.quit()
        _say(event="done", command=" ".join(words))
        return False

    def _set(self, element: str, key: str, value: object) -> None:
        self._factory.set_launch(self._launch_line())
        for media in self._media:
            found = media.get_element().get_by_name(element)
            if found is not None:
                Gst.util_set_object_arg(found, key, value) if isinstance(value, str) else found.set_property(key, value)


def _say(**values: object) -> None:
    print(json.dumps(values), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=360)
    parser.add_argument("--fps", type=int, default=15)
    parser.add_argument("--pattern", default="ball")
    parser.add_argument("--frames", type=Path, help="a folder of 000000.jpg, 000001.jpg, ...")
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--login", choices=("basic", "digest"), default="digest")
    return parser.parse_args()


if __name__ == "__main__":
    Gst.init(None)
    Server(_arguments()).run()
