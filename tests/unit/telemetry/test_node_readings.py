"""What a node says of its GPUs and processes."""

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cluster.telemetry import metrics
from cluster.telemetry.gpus import GpuReading, NvmlGpus
from cluster.telemetry.node_readings import NodeReadings

STAND_IN = Path(__file__).parents[2] / "counterparts" / "nvml"
GPU = GpuReading("0", 4e9, 16e9, 37.0, 61.0)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file that says which GPUs there are; the stand-in is the NVML of this process meanwhile."""
    monkeypatch.syspath_prepend(str(STAND_IN))
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    monkeypatch.setenv("NVML_STAND_IN", str(tmp_path / "gpus.json"))
    yield tmp_path / "gpus.json"
    sys.modules.pop("pynvml", None)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, ...], float]:
    """What was set; Ray forgets by itself what is not set again."""
    values: dict[tuple[str, ...], float] = {}

    def watch(name: str) -> None:
        gauge = getattr(metrics, name)
        monkeypatch.setattr(gauge, "set", lambda value, tags: values.__setitem__((name, *tags.values()), value))

    for name in ("gpu_memory_used", "gpu_memory_total", "gpu_utilization", "gpu_temperature", "process_memory"):
        watch(name)
    return values


def test_a_gpu_says_memory_load_and_temperature(machine: Path) -> None:
    machine.write_text(json.dumps([{"used": 4e9, "total": 16e9, "busy": 37, "celsius": 61}]))

    assert NvmlGpus()() == [GPU]


def test_what_a_gpu_cannot_tell_is_left_out(machine: Path) -> None:
    machine.write_text(json.dumps([{"used": 4e9, "total": 16e9, "busy": None, "celsius": None}]))

    assert NvmlGpus()() == [GpuReading("0", 4e9, 16e9, None, None)]


def test_without_a_driver_there_are_no_readings(machine: Path) -> None:
    assert NvmlGpus()() == []


def test_a_driver_that_goes_and_comes_back_is_read_again(machine: Path) -> None:
    gpus = NvmlGpus()
    machine.write_text(json.dumps([{"used": 4e9, "total": 16e9, "busy": 37, "celsius": 61}]))
    gpus()
    whole = machine.read_text()

    machine.write_text("[]")
    assert gpus() == []
    machine.write_text(whole)

    assert gpus() == [GPU]


def test_gpus_and_processes_are_exported_with_the_name_of_the_node(said: dict[tuple[str, ...], float]) -> None:
    readings = NodeReadings("hall", lambda: [GPU], lambda: {"camera": 300})

    readings.read()
    readings.stop()

    assert said == {
        ("gpu_memory_used", "hall", "0"): 4e9,
        ("gpu_memory_total", "hall", "0"): 16e9,
        ("gpu_utilization", "hall", "0"): 37.0,
        ("gpu_temperature", "hall", "0"): 61.0,
        ("process_memory", "camera", "hall"): 300,
    }


def test_what_a_hung_driver_said_last_is_not_said_again_before_it_comes_back(
    said: dict[tuple[str, ...], float],
) -> None:
    released, hangs = threading.Event(), False

    def gpus() -> list[GpuReading]:
        if hangs:
            released.wait(60)
        return [GPU]

    readings = NodeReadings("hall", gpus, dict, deadline_s=0.05)
    readings.read()
    said.clear()
    hangs = True
    readings.read()
    readings.read()
    assert said == {}

    released.set()
    while not said:
        readings.read()
    readings.stop()

    assert said["gpu_utilization", "hall", "0"] == 37.0


def test_a_node_without_gpus_exports_none(said: dict[tuple[str, ...], float]) -> None:
    readings = NodeReadings("hall", list, dict)

    readings.read()
    readings.stop()

    assert said == {}


def test_processes_that_cannot_be_read_stop_nothing(said: dict[tuple[str, ...], float]) -> None:
    def memory() -> dict[str, int]:
        raise psutil.NoSuchProcess(1)

    readings = NodeReadings("hall", lambda: [GPU], memory)

    readings.read()
    readings.stop()

    assert len(said) == 4


def test_it_reads_until_it_is_stopped() -> None:
    read = threading.Event()

    def gpus() -> list[GpuReading]:
        read.set()
        raise ValueError("a reading that fails must not be the last one")

    readings = NodeReadings("hall", gpus, dict)
    thread = threading.Thread(target=readings.run)
    thread.start()
    assert read.wait(10)

    readings.stop()
    thread.join(10)

    assert not thread.is_alive()
