"""The export is made once, whole or not at all, and by one replica."""

import fcntl
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cluster.safety.errors import WeightsError
from cluster.settings.base import cache_folder
from deployments.detector.cache import locked
from deployments.detector.export import openvino_export

DIGEST = "a" * 64


class FakeExporter:
    """Makes a folder beside the weights, as Ultralytics does."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.fails, self.calls = fails, 0
        self.entered, self.may_end = threading.Event(), threading.Event()
        self.may_end.set()

    def __call__(self, weights: Path) -> Path:
        self.calls += 1
        self.entered.set()
        assert self.may_end.wait(60)
        made = weights.with_name("model_openvino_model")
        made.mkdir()
        (made / "model.bin").write_bytes(weights.read_bytes())
        if self.fails is not None:
            raise self.fails
        return made


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    (file := tmp_path / "best.pt").write_bytes(b"weights")
    return file


def test_an_export_is_made_once_and_nothing_is_written_beside_the_weights(weights: Path, tmp_path: Path) -> None:
    exporter, folder = FakeExporter(), tmp_path / "cache"

    first = openvino_export(weights, DIGEST, export=exporter, folder=folder)
    second = openvino_export(weights, DIGEST, export=exporter, folder=folder)

    assert first == second
    assert exporter.calls == 1
    assert (first / "model.bin").read_bytes() == b"weights"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.pt", "cache"]


def test_two_replicas_make_one_export(weights: Path, tmp_path: Path) -> None:
    exporter, folder = FakeExporter(), tmp_path / "cache"
    exporter.may_end.clear()

    with ThreadPoolExecutor(2) as replicas:
        first = replicas.submit(openvino_export, weights, DIGEST, export=exporter, folder=folder)
        assert exporter.entered.wait(60)
        second = replicas.submit(openvino_export, weights, DIGEST, export=exporter, folder=folder)
        exporter.may_end.set()

        assert first.result(60) == second.result(60)
    assert exporter.calls == 1


@pytest.mark.parametrize("fault", [WeightsError("cannot be exported"), OSError(28, "No space left on device")])
def test_an_export_that_failed_leaves_nothing_behind(weights: Path, tmp_path: Path, fault: Exception) -> None:
    folder = tmp_path / "cache"
    with pytest.raises(WeightsError, match=r"cannot be exported|No space left"):
        openvino_export(weights, DIGEST, export=FakeExporter(fault), folder=folder)

    assert [path for path in folder.iterdir() if path.is_dir()] == []
    assert openvino_export(weights, DIGEST, export=FakeExporter(), folder=folder).is_dir()


def test_what_a_dead_process_left_behind_is_swept_away(weights: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    made = openvino_export(weights, DIGEST, export=FakeExporter(), folder=folder)
    made.rename(leftover := folder / f".{made.name}.abc123")

    openvino_export(weights, DIGEST, export=FakeExporter(), folder=folder)

    assert not leftover.exists()


def test_the_lock_of_a_dead_process_blocks_nobody(tmp_path: Path) -> None:
    target = tmp_path / "export"
    script = (
        "import fcntl, os, sys; fcntl.flock(os.open(sys.argv[1], os.O_RDWR | os.O_CREAT), fcntl.LOCK_EX); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / ".export.lock")], check=False, timeout=60)

    with locked(target, timeout_s=30):
        assert (tmp_path / ".export.lock").exists()


def test_a_lock_that_is_held_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    handle = os.open(tmp_path / ".export.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        with (
            pytest.raises(WeightsError, match="another process has held this lock"),
            locked(tmp_path / "export", timeout_s=0),
        ):
            pytest.fail("the lock was given twice")
    finally:
        os.close(handle)


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path, weights: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(WeightsError, match="Not a directory") as refused:
        openvino_export(weights, DIGEST, export=FakeExporter(), folder=tmp_path / "file" / "cache")

    assert "SAFE_YOLO_CACHE" in refused.value.mend


def test_the_cache_lies_where_the_environment_says(cache: Path) -> None:
    assert cache_folder() == cache
