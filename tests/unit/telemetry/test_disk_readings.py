"""How full the disk of a node's data is."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from cluster.telemetry import metrics
from cluster.telemetry.disk_readings import DiskReadings


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, dict[str, str]]]:
    values: list[tuple[float, dict[str, str]]] = []
    monkeypatch.setattr(metrics.data_disk_used, "set", lambda value, tags: values.append((value, tags)))
    return values


def test_the_reserve_of_root_counts_as_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[tuple[float, dict[str, str]]]
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=1000, used=855, free=95))

    DiskReadings("node-1", tmp_path).read()

    assert said == [(90.0, {"node": "node-1"})]


def test_a_folder_that_is_not_there_yet_is_on_the_disk_of_its_parent(
    tmp_path: Path, said: list[tuple[float, dict[str, str]]]
) -> None:
    DiskReadings("node-1", tmp_path / "data" / "outbox").read()

    assert 0 < said[0][0] <= 100


def test_a_disk_that_cannot_be_read_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readings = DiskReadings("node-1", tmp_path)

    def fail(_: Path) -> None:
        readings.stop()
        raise OSError("input/output error")

    monkeypatch.setattr(shutil, "disk_usage", fail)

    readings.run()
