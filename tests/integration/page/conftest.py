"""The page in real Chromium, over real sockets, in front of a cluster in memory."""

import pytest
from counterparts.accessibility import axe_script, serious_findings
from counterparts.chromium import open_chromium
from counterparts.page_api import CannedApi
from counterparts.page_site import ROOT, Served, Visit, small_site


@pytest.fixture
def served():
    with Served(small_site(), CannedApi) as running:
        yield running


# Not for the session: while Playwright runs, no test of another module can have an event loop in this thread.
@pytest.fixture(scope="module")
def browser():
    with open_chromium() as running:
        yield running


@pytest.fixture
def visit(browser, served):
    visits = []

    def make(at="", **options):
        usual = {
            "viewport": {"width": 1440, "height": 900},
            "locale": "ko-KR",
            "color_scheme": "dark",
            "timezone_id": "Asia/Seoul",
        }
        visits.append(Visit(browser, served, at, **usual | options))
        return visits[-1]

    yield make
    for one in visits:
        one.page.context.close()


@pytest.fixture(scope="session")
def axe():
    """axe(page): its serious findings. Where axe-core cannot be had, our own checks must do."""
    script = axe_script(ROOT / "build" / "axe")
    return (lambda page: serious_findings(page, script)) if script else (lambda _: [])
