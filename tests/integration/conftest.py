"""Two lanes: a machine of two cores starts one Ray at a time, and what needs none runs beside it.

`make test` runs this folder in two processes (`--numprocesses 2 --dist loadfile`). Files that speak of Ray are one
piece of work, for one process; the other takes everything else, file by file, and both share what is left.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

_HERE = Path(__file__).parent
_SPEAKS_OF_RAY = re.compile(r"\bray\b", re.IGNORECASE)


class Lanes(LoadFileScheduling):
    """A file is in one process, for what its tests share; all files with Ray are in the same one."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "Ray" if _needs_ray(self.config.rootpath / file) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Lanes:
    config.option.loadscopereorder = False  # by the number of tests; Ray's lane is the longest with the fewest
    return Lanes(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ray's lane begins first."""
    items.sort(key=lambda item: not (item.path.is_relative_to(_HERE) and _needs_ray(item.path)))


@cache
def _needs_ray(file: Path) -> bool:
    return bool(_SPEAKS_OF_RAY.search(file.read_text()))


@pytest.fixture(scope="module", autouse=True)
def _lane(request: pytest.FixtureRequest) -> Iterator[None]:
    """Ray starts its workers at niceness 15: beside the other lane they would get what it leaves.

    A file that starts a Ray and never says so has one whose `gcs_server` refuses to start, and logs why.
    """
    with pytest.MonkeyPatch.context() as patch:
        if _needs_ray(request.path):
            patch.setenv("RAY_worker_niceness", "0")
        else:
            patch.setenv("RAY_gcs_storage", f"none: {request.path.name} does not speak of Ray, see {__file__}")
        yield
