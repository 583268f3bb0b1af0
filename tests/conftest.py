"""Real counterparts are pytest plugins in tests/counterparts; tests share through their fixtures."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
pytest.register_assert_rewrite("counterparts")  # what is asserted there says as much as in a test

pytest_plugins = ["counterparts.postgres", "counterparts.rtsp", "counterparts.s3", "counterparts.databases"]
