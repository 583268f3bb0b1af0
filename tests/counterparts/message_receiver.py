"""What messages are sent to, on loopback: Slack (webhook and Web API), an SMS gateway, SNS, a webhook. Records what
came, and fails as told. Gateway and webhook recognise an `Idempotency-Key`, Slack knows the metadata it was given."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

DOWN, SAYS_500, SAYS_429, HANGS, CLOSES = "down", "500", "429", "hangs", "closes"
FAULTS = (DOWN, SAYS_500, SAYS_429, HANGS, CLOSES)
"""CLOSES: takes the message and ends the connection without an answer; all others take nothing."""


@dataclass(slots=True)
class Post:
    """One request. `taken`: whether it was, or a repeat was recognised or refused."""

    path: str
    headers: dict[str, str]
    content: bytes
    taken: bool = False

    def body(self) -> dict[str, Any]:
        if self.headers.get("content-type", "").startswith("application/json"):
            return dict(json.loads(self.content))
        return {name: values[-1] for name, values in parse_qs(self.content.decode()).items()}


@dataclass(slots=True)
class Room:
    """A Slack channel: what a person sees in it, oldest first. `files`: names and bytes by thread. `first`: the number
    of its first message; no two messages of a receiver have one `ts`, so that what is late changes none that is new."""

    first: int = 0
    messages: list[dict[str, Any]] = field(default_factory=list)
    files: list[tuple[str, str, bytes]] = field(default_factory=list)
    uploads: dict[str, tuple[str, bytes]] = field(default_factory=dict)


class MessageReceiver:
    """`fault` holds for all paths that contain `fault_path`, `fault_left` times (None: until it is mended)."""

    retry_after_s = 1.0

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.room = Room()
        self.refuses: dict[str, tuple[int, str]] = {}
        self._lock, self._mended = threading.RLock(), threading.Event()
        self._fault, self._path, self._left = "", "", None  # type: str, str, int | None
        self._seen: set[tuple[str, str]] = set()
        self._port, self._server = 0, None  # type: int, Any
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Takes the port that it had, if it ran before."""
        receiver = self

        class Handler(_Handler):
            owner = receiver

        self._server = _Server(("127.0.0.1", self._port), Handler)
        self._port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._mended.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def fail(self, fault: str, path: str = "", times: int | None = None) -> None:
        """From now on; DOWN refuses connections, whatever `path` says."""
        self._mended.clear()
        self._path, self._left, self._fault = path, times, fault
        if fault == DOWN:
            self.stop()

    def mend(self) -> None:
        was, self._fault = self._fault, ""
        self._mended.set()
        if was == DOWN:
            self.start()

    @contextmanager
    def failing(self, fault: str, path: str = "") -> Iterator[None]:
        self.fail(fault, path)
        try:
            yield
        finally:
            self.mend()

    def forget(self) -> None:
        """All that came, and what was refused."""
        with self._lock:
            self.posts, self.refuses = [], {}
            self.room = Room(first=self.room.first + len(self.room.messages))
            self._seen.clear()

    def taken(self, path: str) -> list[Post]:
        """What was taken at `path`, without the repeats that were recognised."""
        with self._lock:
            return [post for post in self.posts if post.taken and urlsplit(post.path).path == path]

    def shown(self) -> list[dict[str, Any]]:
        """What stands in the Slack room."""
        with self._lock:
            return [dict(message) for message in self.room.messages]

    def due_fault(self, path: str) -> str:
        with self._lock:
            if not self._fault or self._path not in path or self._left == 0:
                return ""
            self._left = self._left - 1 if self._left is not None else None
            return self._fault

    def hang(self) -> None:
        """Until it is mended; the limit only ends a broken test."""
        self._mended.wait(60)

    def take(self, post: Post) -> tuple[int, dict[str, str], bytes]:
        """Does what the real one does; status, headers and content of the answer."""
        path = urlsplit(post.path).path
        with self._lock:
            if path in self.refuses:
                status, text = self.refuses[path]
                return status, {"Content-Type": "application/json" if text[:1] == "{" else "text/xml"}, text.encode()
            if path.startswith("/api/"):
                return self._slack(path.removeprefix("/api/"), post)
            if path.startswith("/upload/"):
                name, _ = self.room.uploads[path.removeprefix("/upload/")]
                self.room.uploads[path.removeprefix("/upload/")] = name, post.content
                return 200, {}, b"OK"
            if path == "/sns/":
                post.taken = True
                return 200, {"Content-Type": "text/xml"}, _PUBLISHED
            key = (path, post.headers.get("idempotency-key", ""))
            post.taken = not (key[1] and key in self._seen)
            self._seen.add(key)
            return 200, {}, b"ok"

    def _slack(self, method: str, post: Post) -> tuple[int, dict[str, str], bytes]:
        known = {
            "chat.postMessage": self._post_message,
            "chat.update": self._update,
            "conversations.history": lambda _: {"messages": list(reversed(self.room.messages))},
            "conversations.replies": self._replies,
            "files.getUploadURLExternal": self._upload_url,
            "files.completeUploadExternal": self._complete,
        }
        post.taken = True
        answer = {"ok": True, **known[method](post.body())}
        return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()

    def _post_message(self, body: dict[str, Any]) -> dict[str, Any]:
        ts = f"{1_700_000_000 + self.room.first + len(self.room.messages)}.000100"
        self.room.messages.append({**body, "ts": ts})
        return {"channel": "C0ROOM", "ts": ts}

    def _update(self, body: dict[str, Any]) -> dict[str, Any]:
        found = [message for message in self.room.messages if message["ts"] == body["ts"]]
        if not found:
            return {"ok": False, "error": "message_not_found"}
        found[0].update(body, updated=True)
        return {"channel": "C0ROOM", "ts": body["ts"]}

    def _replies(self, body: dict[str, Any]) -> dict[str, Any]:
        files = [{"name": name} for ts, name, _ in self.room.files if ts == body["ts"]]
        return {"messages": [{"ts": body["ts"], "files": files}]}

    def _upload_url(self, body: dict[str, Any]) -> dict[str, Any]:
        file_id = f"F{len(self.room.uploads)}"
        self.room.uploads[file_id] = body["filename"], b""
        return {"upload_url": f"{self.url}/upload/{file_id}", "file_id": file_id}

    def _complete(self, body: dict[str, Any]) -> dict[str, Any]:
        for file in json.loads(body["files"]):
            self.room.files.append((body["thread_ts"], *self.room.uploads[file["id"]]))
        return {"files": []}


_PUBLISHED = (
    b'<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>m-1</MessageId>'
    b"</PublishResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></PublishResponse>"
)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    owner: MessageReceiver
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        post = Post(self.path, headers, content)
        self.owner.posts.append(post)
        fault = self.owner.due_fault(self.path)
        if fault == HANGS:
            self.owner.hang()
            self._hang_up()
        elif fault == DOWN:  # on a connection that was open
            self._hang_up()
        elif fault == CLOSES:
            self.owner.take(post)
            self._hang_up()
        elif fault in (SAYS_500, SAYS_429):
            self._answer(int(fault), {"Retry-After": f"{self.owner.retry_after_s:g}"}, b"not now")
        else:
            self._answer(*self.owner.take(post))

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "text/plain", **headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *values: Any) -> None:
        """Says nothing."""
