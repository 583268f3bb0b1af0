"""Files of their own for each process, the next when one is full or old, and never too many; no disk stops anybody."""

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cluster.safety.errors import ConfigError
from cluster.settings.log_files import LogFileSettings, log_files, log_folder
from cluster.telemetry import log_files as log_files_module
from cluster.telemetry.log_files import LogFile, sweep

LINE = "x" * 99


class Opened:
    """A log file, and what it said of itself."""

    def __init__(self, folder: Path, **limits: Any) -> None:
        self.faults: list[str] = []
        self.lost = 0
        self.file = LogFile(LogFileSettings(folder=folder, **limits), "camera-gate/1", self.faults.append, self._lose)

    def _lose(self) -> None:
        self.lost += 1


def written(folder: Path) -> list[str]:
    return [line for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()]


def test_the_name_says_whose_it_is_and_no_two_processes_share_one(tmp_path: Path) -> None:
    opened = Opened(tmp_path)
    opened.file.write(LINE)
    program = (
        "import sys; from pathlib import Path; from cluster.settings.log_files import LogFileSettings; "
        "from cluster.telemetry.log_files import LogFile; "
        "LogFile(LogFileSettings(folder=Path(sys.argv[1])), 'camera-gate/1', print, print).write('other')"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, timeout=60)

    names = sorted(file.name for file in tmp_path.iterdir())
    assert len(names) == 2
    assert all(name.startswith("camera-gate-1.") for name in names)
    assert f".{os.getpid()}.0000.jsonl" in "".join(names)


def test_a_full_file_is_followed_by_the_next_and_no_line_is_torn(tmp_path: Path) -> None:
    opened = Opened(tmp_path, file_bytes=4096)
    for _ in range(100):
        opened.file.write(LINE)

    assert [file.stat().st_size for file in sorted(tmp_path.iterdir())] == [4000, 4000, 2000]
    assert written(tmp_path) == [LINE] * 100


def test_an_old_file_is_followed_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(log_files_module.time, "monotonic", lambda: now[0])
    opened = Opened(tmp_path, file_age_s=3600)
    for now[0] in (100.0, 3699.0, 3701.0):
        opened.file.write(LINE)

    assert [len(file.read_text().splitlines()) for file in sorted(tmp_path.iterdir())] == [2, 1]


def test_what_is_too_much_or_too_old_goes_the_oldest_first_and_nothing_that_is_open(tmp_path: Path) -> None:
    names = [f"camera.20261101T00000{n}.1.0000.jsonl" for n in range(6)]
    for age, name in enumerate(reversed(names)):
        (tmp_path / name).write_text(LINE * 50)
        os.utime(tmp_path / name, (1_000_000_000 - age, 1_000_000_000 - age))
    (tmp_path / "other.txt").write_text(LINE)
    with (tmp_path / names[0]).open() as living:
        fcntl.flock(living, fcntl.LOCK_SH)
        removed = sweep(LogFileSettings(folder=tmp_path, keep_bytes=3 * 4950, keep_s=1e12))

        assert [file.name for file in removed] == names[1:4]
        assert {file.name for file in tmp_path.iterdir()} == {names[0], *names[4:], "other.txt"}
        assert [file.name for file in sweep(LogFileSettings(folder=tmp_path, keep_s=60))] == names[4:]


def test_a_folder_that_cannot_be_written_is_said_once_counted_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(log_files_module.time, "monotonic", lambda: now[0])
    (tmp_path / "logs").write_text("a file where the folder should be")
    opened = Opened(tmp_path / "logs")
    for now[0] in (100.0, 101.0, 110.0):
        opened.file.write(LINE)
    assert len(opened.faults) == 1
    assert opened.lost == 3

    (tmp_path / "logs").unlink()
    now[0] = 120.0
    opened.file.write(LINE)

    assert written(tmp_path / "logs") == [LINE]
    assert opened.lost == 3


def test_after_a_full_disk_the_next_line_does_not_hang_on_half_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, real, full = [100.0], os.write, [False]

    def write(fd: int, data: bytes) -> int:
        return real(fd, data[:30]) if full[0] else real(fd, data)

    monkeypatch.setattr(log_files_module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(log_files_module.os, "write", write)
    opened = Opened(tmp_path)
    opened.file.write(LINE)
    full[0] = True
    opened.file.write(LINE)
    full[0] = False
    now[0] = 110.0
    opened.file.write(LINE)

    assert written(tmp_path) == [LINE, LINE[:30], LINE]
    assert (len(opened.faults), opened.lost) == (1, 1)
    assert os.strerror(errno.ENOSPC) in opened.faults[0]


def test_a_file_that_somebody_removed_is_made_anew(tmp_path: Path) -> None:
    opened = Opened(tmp_path)
    opened.file.write(LINE)
    opened.file.path.unlink()
    opened.file.write(LINE)

    assert written(tmp_path) == [LINE]


def test_the_node_says_where_and_how_much(tmp_path: Path) -> None:
    said = {"SAFE_YOLO_LOG_DIR": str(tmp_path), "SAFE_YOLO_LOG_KEEP_BYTES": "5000", "SAFE_YOLO_LOG_KEEP_S": "60"}

    assert log_files(said).keep_bytes == 5000
    assert log_files(said).folder == tmp_path
    assert log_folder(tmp_path / "data", {}) == tmp_path / "data" / "logs"
    with pytest.raises(ConfigError, match="file_bytes"):
        log_files({"SAFE_YOLO_LOG_FILE_BYTES": "1"})
