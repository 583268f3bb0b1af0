"""A mail server on loopback that takes every mail, or fails as told. Without TLS and sign-in."""

import email
import email.policy
import socketserver
import threading
from email.message import EmailMessage
from typing import Any

from counterparts.message_receiver import CLOSES, DOWN, HANGS, SAYS_429, SAYS_500


class SmtpServer:
    """`mails` that were taken, oldest first, and for whom (`taken_for`, of every transaction). `refuses` is answered
    to every recipient, `refuses_one` to one of them. `fault`: as of `MessageReceiver`; 429, 500 are 450, 451 here."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.fault = ""
        self.refuses = ""
        self.refuses_one: dict[str, str] = {}
        self.taken_for: list[str] = []
        self._mended = threading.Event()
        self._port, self._server = 0, None  # type: int, Any
        self.start()

    @property
    def port(self) -> int:
        return self._port

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

    def fail(self, fault: str) -> None:
        self._mended.clear()
        self.fault = fault
        if fault == DOWN:
            self.stop()

    def mend(self) -> None:
        was, self.fault = self.fault, ""
        self._mended.set()
        if was == DOWN:
            self.start()

    def hang(self) -> None:
        self._mended.wait(60)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what these tests are about."""


class _Handler(socketserver.StreamRequestHandler):
    owner: SmtpServer

    def handle(self) -> None:
        self._say("220 counterpart")
        self._recipients: list[str] = []
        while line := self.rfile.readline():
            word = line.decode().strip().upper()
            if word == "DATA":
                if not self._take_data():
                    return
            elif word.startswith("RCPT"):
                self._take_recipient(line.decode().partition("<")[2].partition(">")[0])
            else:
                self._say("221 bye" if word == "QUIT" else "250 ok")

    def _take_recipient(self, address: str) -> None:
        refusal = self.owner.refuses or self.owner.refuses_one.get(address, "")
        if not refusal:
            self._recipients.append(address)
        self._say(refusal or "250 ok")

    def _take_data(self) -> bool:
        """False: the connection ends without an answer."""
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        fault = self.owner.fault
        if fault == HANGS:
            self.owner.hang()
            return False
        if fault in (SAYS_500, SAYS_429):
            self._say("451 later" if fault == SAYS_500 else "450 too many")
            return True
        found: Any = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        if found["Message-ID"] not in [mail["Message-ID"] for mail in self.owner.mails]:
            self.owner.mails.append(found)
        self.owner.taken_for += self._recipients
        if fault == CLOSES:
            return False
        self._say("250 taken")
        return True

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
