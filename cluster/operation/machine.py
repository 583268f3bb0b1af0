"""What the machine must have before anything is started: free ports, no foreign Ray, disk and memory."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from cluster.operation.ports import NodePorts, holder_of, is_free
from cluster.safety.errors import MachineUnfit
from cluster.safety.redaction import redact

GIB = 1024**3
MIN_DISK_BYTES = 2 * GIB
"""Logs, snapshots, the database and the model's export."""
MAX_DISK_USED = 0.95
"""Ray keeps no objects on a disk that is fuller than this."""
MIN_MEMORY_BYTES = 3 * GIB
"""One-node Ray with the dashboard, one detector on the CPU and a few cameras, as measured."""
OBJECT_STORE_BYTES = 512 * 1024**2
"""Frames go by value, so the object store holds next to nothing."""
MIN_OBJECT_STORE_BYTES = 80 * 1024**2
"""Ray refuses less than 75 MiB."""

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where Ray's object store lives, nothing is written here
_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Resources:
    """What the machine has at this moment, in bytes."""

    disk_free: int
    disk_total: int
    memory_free: int
    shared_memory_free: int


def resources_of(folder: Path) -> Resources:
    """Disk of the file system that holds `folder` (which need not exist yet), and memory."""
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    disk = psutil.disk_usage(str(existing))
    shared = psutil.disk_usage(str(_SHARED_MEMORY)).free if _SHARED_MEMORY.exists() else 0
    memory = min([psutil.virtual_memory().available, *_container_memory()])
    return Resources(disk.free, disk.free + disk.used, memory, shared)


def check_resources(found: Resources) -> None:
    """Raise `MachineUnfit` for too little disk or memory."""
    if found.disk_free < MIN_DISK_BYTES:
        raise MachineUnfit(
            f"{_gib(found.disk_free)} of disk are free, {_gib(MIN_DISK_BYTES)} are needed", "free disk space"
        )
    if found.disk_free < (1 - MAX_DISK_USED) * found.disk_total:
        raise MachineUnfit(
            f"the disk is more than {MAX_DISK_USED:.0%} full ({_gib(found.disk_free)} free), Ray stores nothing then",
            "free disk space",
        )
    if found.memory_free < MIN_MEMORY_BYTES:
        raise MachineUnfit(
            f"{_gib(found.memory_free)} of memory are free, {_gib(MIN_MEMORY_BYTES)} are needed", "end other programs"
        )


def object_store_bytes(found: Resources) -> int:
    """Size of Ray's object store: small, and never more than half of what /dev/shm has left."""
    return max(MIN_OBJECT_STORE_BYTES, min(OBJECT_STORE_BYTES, found.shared_memory_free // 2))


def check_no_foreign_ray(environment: Mapping[str, str]) -> None:
    """Raise `MachineUnfit` if RAY_ADDRESS points at a Ray that `safe-yolo` did not start."""
    if address := environment.get("RAY_ADDRESS"):
        raise MachineUnfit(
            f"RAY_ADDRESS={redact(address)} names a Ray that safe-yolo did not start",
            "unset RAY_ADDRESS (a cluster of your own takes `serve deploy serve_config.yaml`)",
        )


def check_ports(ports: Mapping[str, int], *, free: Callable[[int], bool] = is_free) -> None:
    """Raise `MachineUnfit` for the first busy port, with who holds it."""
    for line, mend in busy_ports(ports, free=free):
        raise MachineUnfit(line, mend)


def busy_ports(
    ports: Mapping[str, int], *, free: Callable[[int], bool] = is_free, holder: Callable[[int], str] = holder_of
) -> Iterator[tuple[str, str]]:
    """One (line, mend) for each port that somebody else listens on."""
    for name, port in ports.items():
        if free(port):
            continue
        who = holder(port)
        line = f"port {port} ({name}) is busy: {who} listens on it"
        if name.startswith("Ray") and any(sign in who for sign in ("gcs_server", "ray", "python")):
            yield f"{line}; a Ray that safe-yolo did not start seems to run", f"end it, or {_other_port(name)}"
        else:
            yield line, f"end it, or {_other_port(name)}"


def check_machine(folder: Path, ports: NodePorts, page_port: int) -> Resources:
    """Everything at once, before anything is started.

    Raises:
        MachineUnfit: the first thing that is missing.
    """
    check_no_foreign_ray(os.environ)
    check_ports({"the page": page_port, **ports.named()})
    found = resources_of(folder)
    check_resources(found)
    return found


def _other_port(name: str) -> str:
    options = {"Ray": "--ray-port", "Ray dashboard": "--dashboard-port", "Ray metrics": "--metrics-port"}
    return f"take another with {options[name]}" if name in options else "set http_options.port in serve_config.yaml"


def _container_memory() -> Iterator[int]:
    """What the container may still take; nothing outside a container or without a limit."""
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = (_CGROUP / "memory.current").read_text().strip()
    except OSError:
        return
    if limit.isdigit() and used.isdigit():
        yield max(0, int(limit) - int(used))


def _gib(size: int) -> str:
    return f"{size / GIB:.1f} GiB"
