"""`doctor`: is this machine fit to run the site, and what to do where it is not."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata

from cluster.operation import machine
from cluster.operation.findings import Finding, Level, fault, ok, warning
from cluster.operation.ports import NodePorts
from cluster.operation.ray_state import RayState
from cluster.operation.serve_file import ServeFile
from cluster.safety.errors import SafeYoloError

WANTED_PYTHON = (3, 11)


@dataclass(frozen=True, slots=True)
class Probes:
    """The outside world, so that a test can be one.

    `gpus` gives a line for each GPU, or raises OSError with the reason why there is none; `database` raises
    what it meets; `findings` are those of `config check`.
    """

    python: tuple[int, int]
    version_of: Callable[[str], str]
    gpus: Callable[[], list[str]]
    resources: Callable[[], machine.Resources]
    port_is_free: Callable[[int], bool]
    database: Callable[[str], str]
    site: RayState | None


def examine(probes: Probes, ports: NodePorts, serve: ServeFile | None, config: list[Finding]) -> list[Finding]:
    """One finding or more for each of Python, Ray, GPU, ports, disk and memory, database, weights and configuration."""
    return [
        _python(probes),
        _ray(probes),
        *_gpus(probes),
        *_ports(probes, ports, serve),
        *_resources(probes),
        *_database(probes, serve),
        *config,
    ]


def real_gpus() -> list[str]:
    """A line for each GPU of this machine. Raises OSError: there is none, or no driver."""
    import pynvml  # loads the driver's library, which only this command needs

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        raise OSError(str(error)) from error
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        return [f"{pynvml.nvmlDeviceGetName(h)}, {pynvml.nvmlDeviceGetMemoryInfo(h).total >> 20} MiB" for h in handles]
    finally:
        pynvml.nvmlShutdown()


def _python(probes: Probes) -> Finding:
    found = ".".join(map(str, probes.python))
    wanted = ".".join(map(str, WANTED_PYTHON))
    if probes.python != WANTED_PYTHON:
        return Finding(Level.ERROR, "Python", f"{found}, {wanted} is needed", f"install Python {wanted}, `make setup`")
    return ok("Python", f"{found}, {sys.executable}")


def _ray(probes: Probes) -> Finding:
    try:
        version = probes.version_of("ray")
    except metadata.PackageNotFoundError:
        return Finding(Level.ERROR, "Ray", "is not installed", "run `make setup`")
    if probes.site:
        return ok("Ray", f"{version}, runs as process {probes.site.pid} at {probes.site.address}")
    try:
        machine.check_no_foreign_ray(os.environ)
    except SafeYoloError as error:
        return fault("Ray", error)
    return ok("Ray", f"{version}, does not run")


def _gpus(probes: Probes) -> Iterator[Finding]:
    try:
        names = probes.gpus()
    except (OSError, ImportError) as error:
        yield ok("GPU", f"none ({error}): the detector runs on the CPU")
        return
    for name in names:
        yield ok("GPU", f"{name}: set num_gpus of the Detector in serve_config.yaml to use it")


def _ports(probes: Probes, ports: NodePorts, serve: ServeFile | None) -> Iterator[Finding]:
    wanted = {**({"the page": serve.port} if serve else {}), **ports.named()}
    if probes.site:
        yield ok("ports", "in use by this site")
        return
    busy = list(machine.busy_ports(wanted, free=probes.port_is_free))
    for line, mend in busy:
        yield Finding(Level.ERROR, "ports", line, mend)
    if not busy:
        yield ok("ports", f"{', '.join(map(str, wanted.values()))} are free")


def _resources(probes: Probes) -> Iterator[Finding]:
    found = probes.resources()
    gib = machine.GIB
    try:
        machine.check_resources(found)
    except SafeYoloError as error:
        # A site that runs has taken its memory already.
        yield warning("disk and memory", str(error)) if probes.site else fault("disk and memory", error)
        return
    yield ok("disk and memory", f"{found.disk_free / gib:.0f} GiB and {found.memory_free / gib:.0f} GiB are free")
    if found.shared_memory_free < machine.OBJECT_STORE_BYTES:
        text = f"{found.shared_memory_free >> 20} MiB are free: Ray's object store will be small or slow"
        yield warning("shared memory", text, "start the container with --shm-size=1g")


def _database(probes: Probes, serve: ServeFile | None) -> Iterator[Finding]:
    if serve is None:
        return
    try:
        yield ok("database", probes.database(serve.site_file))
    except SafeYoloError as error:
        yield fault("database", error)
