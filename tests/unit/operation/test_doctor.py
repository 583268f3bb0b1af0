from dataclasses import replace
from importlib import metadata

import pytest

from cluster.operation.doctor import Probes, examine
from cluster.operation.findings import Finding, Level, ok
from cluster.operation.machine import GIB, Resources
from cluster.operation.ports import NodePorts
from cluster.operation.ray_state import RayState
from cluster.operation.serve_file import ServeFile, load_serve_file
from cluster.safety.errors import DatabaseUnavailable

_PLENTY = Resources(disk_free=50 * GIB, disk_total=100 * GIB, memory_free=8 * GIB, shared_memory_free=4 * GIB)
_STATE = RayState(pid=4711, created=1.0, address="127.0.0.1:6379", dashboard="http://127.0.0.1:8265", run_dir="/x")


def _no_gpu() -> list[str]:
    raise OSError("no driver")


def _missing(name: str) -> str:
    raise metadata.PackageNotFoundError(name)


def _away(site_file: str) -> str:
    raise DatabaseUnavailable("postgresql://***@db: refused connection", "start it")


_FIT = Probes(
    python=(3, 11),
    version_of=lambda name: "2.60.0",
    gpus=_no_gpu,
    resources=lambda: _PLENTY,
    port_is_free=lambda port: True,
    database=lambda site_file: "SQLite",
    site=None,
)


@pytest.fixture
def serve() -> ServeFile:
    return load_serve_file("serve_config.yaml")


@pytest.fixture(autouse=True)
def no_foreign_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


def test_a_fit_machine_has_only_good_lines(serve: ServeFile) -> None:
    findings = examine(_FIT, NodePorts(), serve, [ok("model fall-s", "best.pt")])

    assert {finding.level for finding in findings} == {Level.OK}
    assert [finding.subject for finding in findings] == [
        "Python",
        "Ray",
        "GPU",
        "ports",
        "disk and memory",
        "database",
        "model fall-s",
    ]


@pytest.mark.parametrize(
    ("changed", "subject", "text", "mend"),
    [
        ({"python": (3, 12)}, "Python", "3.12, 3.11 is needed", "make setup"),
        ({"version_of": _missing}, "Ray", "is not installed", "make setup"),
        ({"port_is_free": lambda port: port != 8265}, "ports", "port 8265 (Ray dashboard) is busy", "--dashboard-port"),
        ({"resources": lambda: replace(_PLENTY, disk_free=0)}, "disk and memory", "0.0 GiB of disk", "free disk space"),
        ({"database": _away}, "database", "refused connection", "start it"),
    ],
)
def test_what_is_missing_is_told_with_the_mend(
    changed: dict[str, object], subject: str, text: str, mend: str, serve: ServeFile
) -> None:
    findings = examine(replace(_FIT, **changed), NodePorts(), serve, [])  # type: ignore[arg-type]

    [error] = _errors(findings)
    assert error.subject == subject
    assert text in error.text
    assert mend in error.mend


def test_a_ray_address_of_somebody_else_is_an_error(serve: ServeFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")

    [error] = _errors(examine(_FIT, NodePorts(), serve, []))

    assert (error.subject, error.mend[:17]) == ("Ray", "unset RAY_ADDRESS")


def test_ports_and_memory_that_the_running_site_took_are_no_fault(serve: ServeFile) -> None:
    probes = replace(
        _FIT, site=_STATE, port_is_free=lambda port: False, resources=lambda: replace(_PLENTY, memory_free=GIB)
    )

    findings = examine(probes, NodePorts(), serve, [])

    assert _errors(findings) == []
    assert Finding(Level.OK, "ports", "in use by this site") in findings


def test_gpus_are_named_and_say_how_they_are_used(serve: ServeFile) -> None:
    findings = examine(replace(_FIT, gpus=lambda: ["H200, 143771 MiB"]), NodePorts(), serve, [])

    [gpu] = [finding.text for finding in findings if finding.subject == "GPU"]
    assert gpu == "H200, 143771 MiB: set num_gpus of the Detector in serve_config.yaml to use it"


def test_little_shared_memory_is_a_warning(serve: ServeFile) -> None:
    findings = examine(replace(_FIT, resources=lambda: replace(_PLENTY, shared_memory_free=0)), NodePorts(), serve, [])

    assert [f.subject for f in findings if f.level is Level.WARNING] == ["shared memory"]


def _errors(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.level is Level.ERROR]
