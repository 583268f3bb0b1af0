"""Our generic package names must be ours wherever they are imported."""

import importlib

import pytest

from cluster.settings.base import PROJECT_ROOT


@pytest.mark.parametrize("name", ["cluster", "deployments"])
def test_packages_come_from_the_project(name: str) -> None:
    file = importlib.import_module(name).__file__

    assert file is not None
    assert file.startswith(str(PROJECT_ROOT))
