"""What no browser sends, byte by byte over a real socket to a real server: paths that lead out, headers with more
headers in them, bodies that are too large or never end."""

import socket
from collections.abc import Callable, Iterator

import pytest
from counterparts.page_site import Served, fakes

BODY_BYTES, BODY_S = 16 * 1024, 0.3
ACKNOWLEDGE = "/api/v1/events/acknowledge"
IN_CHUNKS = ("Content-Type: application/json", "Transfer-Encoding: chunked")
Ask = Callable[..., bytes]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with Served(fakes.Site(), request_body_bytes=BODY_BYTES, body_within_s=BODY_S) as running:
        yield running


@pytest.fixture
def ask(served: Served) -> Ask:
    """Sends `parts` one after the other as they are, and gives all that comes back until the server closes."""

    def ask(*parts: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
            try:
                for part in parts:
                    connection.sendall(part)
            except OSError:
                pass  # it had read enough; its answer is still there
            return _all_of(connection)

    return ask


def _all_of(connection: socket.socket) -> bytes:
    received = b""
    try:
        while some := connection.recv(65536):
            received += some
    except ConnectionResetError:
        pass  # what was sent in vain was still on its way
    return received


def request(path: str, method: str = "GET", *lines: str) -> bytes:
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *lines]
    return "\r\n".join((*head, "", "")).encode("latin-1")


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def names_of_headers(answer: bytes) -> set[str]:
    lines = answer.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    return {line.partition(b":")[0].decode("latin-1").lower() for line in lines}


WAYS_OUT = ("..", "%2e%2e", "%2e.", "..%2f..", "..%5c..", "%252e%252e", "....//", "..;", "%c0%ae%c0%ae", "%00..")


@pytest.mark.parametrize("way", WAYS_OUT)
@pytest.mark.parametrize("root", ["/static", "/api/v1/docs", "/api/v1/cameras", "/api/v1/events", ""])
def test_no_path_leads_out_of_its_folder(ask: Ask, root: str, way: str) -> None:
    for target in ("etc/passwd", "app.py", "../../etc/passwd", "session_routes.py"):
        answer = ask(request(f"{root}/{way}/{target}"))

        assert status(answer) in (400, 404, 405), (target, answer[:200])
        assert b"root:" not in answer
        assert b"import" not in answer


@pytest.mark.parametrize("path", ["/static//etc/passwd", "/static/%2fetc/passwd", "//static/app.js", "/static/"])
def test_no_path_begins_anew(ask: Ask, path: str) -> None:
    assert status(ask(request(path))) in (400, 404, 405)


@pytest.mark.parametrize(
    "name",
    [
        "x%0d%0aX-Evil:%201",
        "x%0aX-Evil:1",
        "x%0d%0a%0d%0a<script>",
        "x%00",
        "x%e2%80%a8X-Evil:1",
        "x%c4%8d%c4%8aX-Evil:1",
    ],
)
def test_no_value_of_an_address_becomes_a_header(ask: Ask, name: str) -> None:
    for path in (
        f"/api/v1/cameras/{name}",
        f"/api/v1/events/{name}/snapshot.jpg",
        f"/api/v1/events/export?format={name}",
        f"/api/v1/events?cursor={name}",
        f"/static/{name}",
        f"/{name}",
    ):
        answer = ask(request(path))

        assert status(answer) in (400, 404), (path, answer[:300])
        assert not {name for name in names_of_headers(answer) if "evil" in name}
        assert b"<script>" not in answer.partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n ", b"\x00", b"\x0b", b"\xc4\x8a"])
def test_no_header_of_a_request_becomes_one_of_the_answer(ask: Ask, end: bytes) -> None:
    said = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Request-ID: a%bX-Evil: 1\r\n\r\n"

    answer = ask(said % end)

    assert status(answer) in (200, 400)
    assert not {name for name in names_of_headers(answer) if "evil" in name}


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: -1",),
        ("Content-Length: 5, 5",),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding: xchunked",),
    ],
)
def test_a_body_of_two_lengths_smuggles_no_second_request(ask: Ask, lines: tuple[str, ...]) -> None:
    hidden = b"0\r\n\r\nGET /api/v1/system HTTP/1.1\r\nHost: localhost\r\n\r\n"

    answer = ask(request("/api/v1/client-logs", "POST", *lines) + hidden)

    assert answer.count(b"HTTP/1.1 ") <= 1
    assert b"versions" not in answer


def test_a_body_that_is_announced_too_large_is_refused_before_it_comes(ask: Ask) -> None:
    answer = ask(request(ACKNOWLEDGE, "POST", f"Content-Length: {BODY_BYTES + 1}"))

    assert status(answer) == 413


def test_a_body_that_grows_too_large_is_refused_while_it_comes(ask: Ask) -> None:
    chunk = b"1000\r\n" + b" " * 0x1000 + b"\r\n"

    answer = ask(request(ACKNOWLEDGE, "POST", *IN_CHUNKS), *[chunk] * 64)

    assert status(answer) == 413


@pytest.mark.parametrize("lines", [("Content-Type: application/json", "Content-Length: 100"), IN_CHUNKS])
def test_a_body_that_never_ends_is_given_up_and_others_are_answered_meanwhile(
    ask: Ask, served: Served, lines: tuple[str, ...]
) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as slow:
        slow.sendall(request(ACKNOWLEDGE, "POST", *lines) + b"1")
        assert status(ask(request("/health/live"))) == 200

        assert status(_all_of(slow)) == 408
