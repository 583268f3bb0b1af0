"""What a test does without its real counterpart."""

import os
from typing import NoReturn

import pytest


def missing_counterpart(what: str, error: BaseException) -> NoReturn:
    """In CI a counterpart that is not there is a failure, elsewhere a skip."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing in CI: {error}")
    pytest.skip(f"{what} is missing: {error}")
