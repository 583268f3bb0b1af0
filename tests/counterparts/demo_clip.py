"""The clip of the demo, which takes ten seconds of CPU to paint."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def demo_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once for all tests of a process; nobody changes it."""
    from cluster.camera.demo_clip import make_demo_clip

    clip = tmp_path_factory.mktemp("clip") / "demo.mp4"
    make_demo_clip(clip)
    return clip
