import socket

import pytest

from cluster.operation import machine
from cluster.operation.machine import GIB, Resources
from cluster.operation.ports import holder_of, is_free
from cluster.safety.errors import MachineUnfit

_PLENTY = Resources(disk_free=50 * GIB, disk_total=100 * GIB, memory_free=8 * GIB, shared_memory_free=4 * GIB)


def _resources(**changed: int) -> Resources:
    values = {name: getattr(_PLENTY, name) for name in Resources.__slots__}
    return Resources(**(values | changed))


def test_a_busy_port_is_told_with_its_holder_and_the_mend() -> None:
    with pytest.raises(MachineUnfit) as raised:
        machine.check_ports({"the page": 8001}, free=lambda port: False)

    line = str(raised.value)
    assert line.startswith("port 8001 (the page) is busy: ")
    assert line.endswith("set http_options.port in serve_config.yaml")
    assert "\n" not in line


def test_a_foreign_ray_is_called_so() -> None:
    lines = list(
        machine.busy_ports({"Ray": 6379}, free=lambda port: False, holder=lambda port: "process 7 (gcs_server)")
    )

    assert lines == [
        (
            "port 6379 (Ray) is busy: process 7 (gcs_server) listens on it; "
            "a Ray that safe-yolo did not start seems to run",
            "end it, or take another with --ray-port",
        )
    ]


def test_a_port_that_listens_is_busy_and_names_this_process() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        port = listener.getsockname()[1]

        assert not is_free(port)
        assert "process " in holder_of(port)

    assert is_free(port)


def test_an_address_of_ray_in_the_environment_is_refused_without_its_password() -> None:
    with pytest.raises(
        MachineUnfit, match=r"RAY_ADDRESS=ray://\*\*\*@head:10001 names a Ray that safe-yolo did not start"
    ):
        machine.check_no_foreign_ray({"RAY_ADDRESS": "ray://me:S3cret@head:10001"})

    machine.check_no_foreign_ray({})


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (_resources(disk_free=GIB), "1.0 GiB of disk are free, 2.0 GiB are needed; free disk space"),
        (_resources(disk_free=4 * GIB), "the disk is more than 95% full (4.0 GiB free)"),
        (_resources(memory_free=GIB), "1.0 GiB of memory are free, 3.0 GiB are needed; end other programs"),
    ],
)
def test_too_little_disk_or_memory_is_one_line(found: Resources, line: str) -> None:
    with pytest.raises(MachineUnfit) as raised:
        machine.check_resources(found)

    assert str(raised.value).startswith(line)


def test_enough_of_everything_passes() -> None:
    machine.check_resources(_PLENTY)


@pytest.mark.parametrize(
    ("shared", "expected"),
    [(4 * GIB, machine.OBJECT_STORE_BYTES), (GIB // 2, GIB // 4), (0, machine.MIN_OBJECT_STORE_BYTES)],
)
def test_the_object_store_takes_at_most_half_of_the_shared_memory(shared: int, expected: int) -> None:
    assert machine.object_store_bytes(_resources(shared_memory_free=shared)) == expected
