"""Real counterparts are pytest plugins in tests/counterparts; tests share through their fixtures."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

pytest_plugins = ["counterparts.postgres", "counterparts.rtsp", "counterparts.s3", "counterparts.databases"]
