"""Debian's Chromium, driven by Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from counterparts.missing import missing_counterpart

_CHROMIUM = "/usr/bin/chromium"
_ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@contextmanager
def open_chromium() -> Iterator[Any]:
    """A browser. Not for a whole session: while Playwright runs, nobody else can have an event loop in this thread."""
    if not shutil.which(_CHROMIUM):
        missing_counterpart("chromium (apt-get install chromium)", FileNotFoundError(_CHROMIUM))
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        yield running
        running.close()
