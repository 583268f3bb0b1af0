"""How soon somebody sees the site: the wall with four tiles in Chromium, from the request to four painted frames.

Each round is a browser that has never been here: nothing is cached. The clock is the browser's own, which begins with
the request; a frame is painted when the browser has drawn the animation frame that follows it.
"""

from typing import Any

from bench_part import Result, figure
from bench_site import Site, pause

TILES = 4
_DEADLINE_MS = 30_000
_SETTLE_S = 3.0
_WATCH = """tiles => {
  const seen = () => document.querySelectorAll("article[data-live=true] canvas").length >= tiles;
  const look = () => {
    if (!seen()) return requestAnimationFrame(look);
    return requestAnimationFrame(() => { document.documentElement.dataset.paintedMs = performance.now(); });
  };
  requestAnimationFrame(look);
}"""


def first_frames(site: Site, address: str, fps: float, rounds: int, **options: Any) -> Result:
    """The figure `page.first_frame_ms`. `site` has at least four cameras, of which any number runs; `address`: of the
    ingress, sign-in off; `options`: as `Site.start_cameras` takes them."""
    from counterparts.chromium import open_chromium

    site.start_cameras(TILES, **options)
    site.in_turn(1 / fps)
    pause(_SETTLE_S)
    with open_chromium() as browser:
        took_ms = [_opened_ms(browser, address) for _ in range(rounds)]
    return figure(took_ms, "<= 1500", unit="ms", tiles=TILES)


def _opened_ms(browser: Any, address: str) -> float:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        page = context.new_page()
        page.add_init_script(f"({_WATCH})({TILES})")
        page.goto(f"{address}/#/live", wait_until="commit")
        painted = page.wait_for_selector("html[data-painted-ms]", timeout=_DEADLINE_MS)
        return float(painted.get_attribute("data-painted-ms"))
    finally:
        context.close()
