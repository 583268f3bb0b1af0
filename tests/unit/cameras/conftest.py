"""What the tests of the supervisor share."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deployments.cameras.supervisor import CameraSupervisor


@pytest.fixture
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CameraSupervisor:
    """One without its fleet: nothing runs, and Ray is not asked."""
    (tmp_path / "site.yaml").write_text(f"name: test\ndata_dir: {tmp_path}/data\n", encoding="utf-8")
    monkeypatch.setattr(CameraSupervisor, "_ensure_fleet", lambda self: None)
    recorder: Any = SimpleNamespace(options=lambda **_: None)
    return CameraSupervisor(str(tmp_path / "site.yaml"), recorder)
