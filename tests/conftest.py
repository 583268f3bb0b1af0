"""Real counterparts are pytest plugins in tests/counterparts; tests share through their fixtures."""

import logging
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
pytest.register_assert_rewrite("counterparts")  # what is asserted there says as much as in a test

# Tests start processes that log: never into the folder of a site that runs from this checkout.
_OWN_LOGS = "SAFE_YOLO_LOG_DIR" not in os.environ
_LOGS = Path(os.environ.setdefault("SAFE_YOLO_LOG_DIR", tempfile.mkdtemp(prefix="sy-logs-")))

pytest_plugins = [
    "counterparts.postgres",
    "counterparts.rtsp",
    "counterparts.s3",
    "counterparts.databases",
    "counterparts.process_logs",
    "counterparts.demo_clip",
]


@pytest.fixture(scope="session", autouse=True)
def _no_secret_in_any_log() -> Iterator[None]:
    """Of all processes that this run has started, but for those with a folder of their own, which look themselves."""
    yield
    from counterparts.secrets_used import assert_no_secret_in

    assert_no_secret_in(_LOGS)


def pytest_unconfigure() -> None:
    """The process that made the folder; those that xdist starts have looked through it by then."""
    if _OWN_LOGS:
        shutil.rmtree(_LOGS, ignore_errors=True)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Every process of the product takes over the logging of all libraries; a test must not do so for the others."""
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook, threading.excepthook = hooks
