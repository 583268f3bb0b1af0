"""Memory of the processes that Ray runs on this machine for us, by what they are."""

from collections import Counter

import psutil

_ROLES = (
    ("ray::CameraActor", "camera"),
    ("ray::ServeReplica:detector:", "detector"),
    ("ray::ServeReplica:ingress:", "ingress"),
    ("ray::ServeReplica:cameras:CameraSupervisor", "supervisor"),
    ("ray::ServeReplica:cameras:Recorder", "recorder"),
    ("ray::ServeReplica:cameras:Notifier", "notifier"),
    ("ray::NodeAgent", "node-agent"),
    ("ray::MetricsHub", "metrics-hub"),
    ("ray::ProxyActor", "proxy"),
    ("ray::ServeController", "serve-controller"),
)
_OTHER = "ray"
ROLES = (*(role for _, role in _ROLES), _OTHER)


def memory_by_role(raylet_pid: int) -> dict[str, int]:
    """Resident bytes of the processes under Ray's node process, added up by role; pages that several share count for
    each. Every role is there, with 0 where it has no process. Blocks for some 10 ms.

    Raises:
        psutil.Error: there is no such process, or it is somebody else's.
    """
    raylet = psutil.Process(raylet_pid)
    memory = Counter(dict.fromkeys(ROLES, 0))
    for process in [raylet, *raylet.children(recursive=True)]:
        try:
            memory[role_of(process.cmdline())] += process.memory_info().rss
        except psutil.Error:
            continue  # it has just ended
    return dict(memory)


def role_of(command_line: list[str]) -> str:
    """Ray writes what a worker runs into its command line: `ray::CameraActor`, `ray::CameraActor.picture()`."""
    first = command_line[0] if command_line else ""
    return next((role for title, role in _ROLES if first.startswith(title)), _OTHER)
