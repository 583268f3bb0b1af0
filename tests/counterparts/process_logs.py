"""This process logging as a process of the product does, into a folder of the test's own."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from counterparts.waiting import PATIENCE_S

from cluster.telemetry import logs
from cluster.telemetry.log_levels import levels


class ProcessLogs:
    """`begin` is what the process does first; `lines` is all that it wrote since, from all of its files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, process: str = "camera", **more: Any) -> None:
        logs.configure_logs(process, **more)

    def files(self) -> list[Path]:
        assert logs.flush_logs(PATIENCE_S)
        return sorted(self.folder.glob("*.jsonl"))

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        found = [json.loads(line) for file in self.files() for line in file.read_text().splitlines()]
        return [line for line in found if not event or line["event"] == event]


@pytest.fixture
def process_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessLogs]:
    folder = tmp_path / "logs"
    monkeypatch.setenv("SAFE_YOLO_LOG_DIR", str(folder))
    yield ProcessLogs(folder)
    logs._output.close()
    logs.flush_logs(PATIENCE_S)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    levels.change("INFO")
