"""Lines are written by one thread: whatever hangs, who logs goes on; and the last lines of a process are written."""

import io
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from counterparts.process_logs import ProcessLogs
from counterparts.waiting import PATIENCE_S

from cluster.settings.log_files import LogFileSettings
from cluster.telemetry import log_files as log_files_module
from cluster.telemetry import logs
from cluster.telemetry.log_files import LogFile
from cluster.telemetry.log_writer import LogWriter

log = structlog.get_logger()


class Hanging:
    """What takes lines, and hangs with the first one until `back`."""

    def __init__(self) -> None:
        self.hangs, self.back = threading.Event(), threading.Event()
        self.taken: list[str] = []

    def write(self, line: str) -> None:
        self.hangs.set()
        self.back.wait(PATIENCE_S)
        self.taken.append(line)


class Lost:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


@pytest.fixture
def lost() -> Lost:
    return Lost()


@pytest.fixture
def writer(lost: Lost) -> Iterator[LogWriter]:
    writer = LogWriter(lost, lines=3)
    writer.start()
    yield writer
    writer.stop()


def test_while_a_write_hangs_lines_wait_up_to_the_bound_and_what_is_more_is_counted(
    writer: LogWriter, lost: Lost
) -> None:
    hanging = Hanging()
    writer.put(hanging.write, "0")
    assert hanging.hangs.wait(PATIENCE_S)
    for line in "12345":
        writer.put(hanging.write, line)
    assert not writer.flush(0.01)

    hanging.back.set()

    assert writer.flush(PATIENCE_S)
    assert hanging.taken == ["0", "1", "2", "3"]
    assert lost.count == 2


def test_a_line_that_cannot_be_written_is_not_the_last_one(writer: LogWriter, lost: Lost) -> None:
    taken: list[str] = []

    def refuse(line: str) -> None:
        raise ValueError(line)

    writer.put(refuse, "1")
    writer.put(taken.append, "2")

    assert writer.flush(PATIENCE_S)
    assert (taken, lost.count) == (["2"], 1)


def test_lines_of_many_threads_are_whole_and_none_is_lost(tmp_path: Path, lost: Lost) -> None:
    writer = LogWriter(lost)
    file = LogFile(LogFileSettings(folder=tmp_path, file_bytes=8192), "camera", lambda fault: None, lost)
    line = "x" * 99
    threads = [threading.Thread(target=lambda: [writer.put(file.write, line) for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    writer.start()
    assert writer.flush(PATIENCE_S)
    writer.stop()

    written = [found for one in sorted(tmp_path.glob("*.jsonl")) for found in one.read_text().splitlines()]
    assert (written, lost.count) == ([line] * 800, 0)


def test_a_log_disk_that_hangs_holds_up_nobody_who_logs(
    process_logs: ProcessLogs, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, back, real = threading.Event(), threading.Event(), log_files_module.os.write

    def write(fd: int, data: bytes) -> int:
        assert threading.current_thread().name == "log-writer", "whoever logs waits for the disk"
        hangs.set()
        back.wait(PATIENCE_S)
        return real(fd, data)

    monkeypatch.setattr(log_files_module.os, "write", write)
    process_logs.begin()
    log.info("first")
    assert hangs.wait(PATIENCE_S)
    log.critical("second")
    assert not logs.flush_logs(0.01)
    back.set()

    assert [line["event"] for line in process_logs.lines()] == ["first", "second"]


def test_a_stdout_that_nobody_reads_holds_up_nobody_who_logs(
    process_logs: ProcessLogs, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = Hanging()
    stdout = io.StringIO()
    monkeypatch.setattr(stdout, "write", hanging.write)
    monkeypatch.setattr(sys, "stdout", stdout)
    process_logs.begin()
    log.info("first")
    log.info("second")
    assert hanging.hangs.wait(PATIENCE_S)
    assert hanging.taken == []
    hanging.back.set()

    assert [line["event"] for line in process_logs.lines()] == ["first", "second"]


def test_a_line_that_found_no_room_is_counted(process_logs: ProcessLogs, monkeypatch: pytest.MonkeyPatch) -> None:
    from cluster.telemetry import metrics

    counted: list[float] = []
    monkeypatch.setattr(metrics.log_write_failures, "inc", lambda: counted.append(1))
    monkeypatch.setattr(logs._WRITER, "_lines", 0)
    process_logs.begin()
    log.info("first")

    assert (process_logs.lines(), counted) == ([], [1])


def test_the_last_lines_of_a_process_that_ends_are_written(tmp_path: Path) -> None:
    program = (
        "import structlog; from cluster.telemetry.logs import configure_logs; configure_logs('camera', stdout=False)\n"
        "for number in range(500): structlog.get_logger().info('line', number=number)\n"
        "raise OSError('the end')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={"SAFE_YOLO_LOG_DIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        timeout=60,
        check=False,
    )

    lines = [line for file in tmp_path.glob("*.jsonl") for line in file.read_text().splitlines()]
    assert b"the end" in ended.stderr
    assert len(lines) == 501
    assert "process_failed" in lines[-1]


def test_the_command_writes_its_last_lines_before_it_ends_at_once(
    monkeypatch: pytest.MonkeyPatch, process_logs: ProcessLogs
) -> None:
    from cluster import cli

    done: list[str] = []
    monkeypatch.setattr(cli, "run", lambda arguments: log.info("last") or 0)
    monkeypatch.setattr(cli, "flush_logs", lambda: done.append("flushed" if logs.flush_logs(PATIENCE_S) else "hangs"))
    monkeypatch.setattr(cli.os, "_exit", lambda code: done.append("ended"))
    cli.main()

    assert done == ["flushed", "ended"]
    assert [line["event"] for line in process_logs.lines()] == ["last"]
