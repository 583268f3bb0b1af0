"""A TCP proxy that breaks connections the way networks do."""

import contextlib
import os
import socket
import struct
import threading

_RESET = struct.pack("ii", 1, 0)


class TcpProxy:
    """Between clients and a server on this machine; `cut`, `spoil` and `logins` from the test's thread."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._garbage_bytes = 0
        self._logins: list[bytes] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def logins(self) -> int:
        """How often a client sent a user and a password to DESCRIBE."""
        return len(self._logins)

    def cut(self) -> None:
        """Resets all connections, as a switch that loses its power."""
        for pair in self._pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    # Wakes the thread that reads, whose close then sends the reset.
                    end.shutdown(socket.SHUT_RD)
        self._pairs.clear()

    def spoil(self, size: int) -> None:
        """The next `size` bytes of the open connections reach the client as noise."""
        self._garbage_bytes = size

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target), timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            self._garbage_bytes = 0
            self._pairs.append((client, server))
            threading.Thread(target=self._upwards, args=(client, server), daemon=True).start()
            threading.Thread(target=self._downwards, args=(server, client), daemon=True).start()

    def _upwards(self, client: socket.socket, server: socket.socket) -> None:
        for data in _received(client):
            if data.startswith(b"DESCRIBE") and b"\r\nAuthorization:" in data:
                self._logins.append(data)
            if not _sent(server, data):
                break
        _shut(server)

    def _downwards(self, server: socket.socket, client: socket.socket) -> None:
        for data in _received(server):
            spoilt = min(self._garbage_bytes, len(data))
            self._garbage_bytes -= spoilt
            if not _sent(client, os.urandom(spoilt) + data[spoilt:]):
                break
        _shut(client)


def _received(end: socket.socket):
    while True:
        try:
            data = end.recv(65536)
        except OSError:
            return
        if not data:
            return
        yield data


def _sent(end: socket.socket, data: bytes) -> bool:
    try:
        end.sendall(data)
    except OSError:
        return False
    return True


def _shut(end: socket.socket) -> None:
    """Ends it, and wakes the thread that reads from it too, which a bare close does not."""
    with contextlib.suppress(OSError):
        if end.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(_RESET)) != _RESET:
            end.shutdown(socket.SHUT_RDWR)
    end.close()
