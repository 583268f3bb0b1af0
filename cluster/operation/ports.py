"""Ports of this machine: which the site takes, whether they are free, and who holds a busy one."""

import errno
import socket
from dataclasses import dataclass

import psutil

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class NodePorts:
    """Ports of the one-node Ray. `agent` and `client` are Ray's own affair; 0 takes any free one."""

    ray: int = 6379
    dashboard: int = 8265
    metrics: int = 8090
    agent: int = 0
    client: int = 0

    def named(self) -> dict[str, int]:
        """The fixed ones, by what a person calls them."""
        return {"Ray": self.ray, "Ray dashboard": self.dashboard, "Ray metrics": self.metrics}


def is_free(port: int, host: str = "") -> bool:
    """Whether `port` can be listened on, at `host` or everywhere."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(1)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("", 0))
        return int(listener.getsockname()[1])


def holder_of(port: int) -> str:
    """Who listens on `port`: `process 4711 (nginx)`, or "another process" where the system does not tell."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except (psutil.Error, OSError):
        return "another process"
    for connection in connections:
        if (
            connection.status == psutil.CONN_LISTEN
            and connection.laddr
            and connection.laddr.port == port
            and connection.pid
        ):
            return f"process {connection.pid} ({_name(connection.pid)})"
    return "another process"


def _name(pid: int) -> str:
    try:
        return psutil.Process(pid).name()
    except psutil.Error:
        return "ended meanwhile"
