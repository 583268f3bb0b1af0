"""Every view in both languages, dark and light, wide and narrow: pictures in build/screens, and who can use them."""

import pytest
from counterparts.accessibility import own_findings

VIEWS = {
    "live": ("#/live", "article[data-camera=gate-1][data-live=true]"),
    "events": ("#/events", ".chart svg rect"),
    "camera": ("#/cameras/gate-1", "li[data-zone=press]"),
    "cameras": ("#/cameras", "li[data-camera=gate-1]"),
    "setup": ("#/setup/gate-1", "article[data-camera=gate-1][data-live=true]"),
    "system": ("#/system", "td:text-is('4711')"),
    "users": ("#/users", "td:text-is('kim')"),
    "audit": ("#/audit", "td:text-is('zone.change')"),
}
LOOKS = [("ko", "dark", 1440), ("en", "light", 390), ("en", "light", 1440), ("ko", "dark", 390)]


@pytest.mark.parametrize(("language", "theme", "width"), LOOKS)
def test_every_view_fits_and_can_be_read(visit, axe, language, theme, width):
    locale = {"ko": "ko-KR", "en": "en-GB"}[language]
    page = visit(locale=locale, color_scheme=theme, viewport={"width": width, "height": 900}, reduced_motion="reduce")
    findings = {}
    for name, (address, there) in VIEWS.items():
        page.page.evaluate("address => { location.hash = address; }", address)
        page.page.wait_for_selector(there)
        page.shot(f"{name}-{language}-{theme}-{width}")
        findings[name] = [*_too_wide(page.page, width), *own_findings(page.page), *axe(page.page)]
    page.page.evaluate("() => { location.hash = '#/events'; }")
    for name, picture, image in (("event", "true", "img:not([hidden])"), ("event-blind", "false", "img[hidden]")):
        page.page.locator(f".events-table tr:has({image}) .thumb").first.click()
        page.page.wait_for_selector(f"dialog[open][data-picture={picture}] .timeline li")
        page.shot(f"{name}-{language}-{theme}-{width}")
        findings[name] = [*_too_wide(page.page, width), *own_findings(page.page), *axe(page.page)]
        page.page.keyboard.press("Escape")

    assert {name: found for name, found in findings.items() if found} == {}
    assert (page.complaints, page.foreign) == ([], [])


def _too_wide(page, width):
    wide = page.evaluate("document.documentElement.scrollWidth")
    return [f"{wide} px wide"] if wide > width else []


def test_language_and_colours_are_switched_and_remembered(visit):
    page = visit()
    page.page.wait_for_selector("#language")
    page.page.click("#language")
    page.page.click("#theme")
    page.page.reload()

    page.page.wait_for_selector("nav a:text-is('Events')")
    assert page.page.evaluate("[document.documentElement.lang, document.documentElement.dataset.theme]") == [
        "en",
        "light",
    ]


def test_the_keyboard_reaches_the_content_first_by_the_skip_link(visit):
    page = visit("#/events")
    page.page.wait_for_selector(".events-table tbody tr")
    page.page.evaluate("document.activeElement.blur()")
    page.page.keyboard.press("Tab")
    assert page.page.evaluate("document.activeElement.id") == "skip"
    page.page.keyboard.press("Enter")

    assert page.page.evaluate("document.activeElement.id") == "content"
    assert page.page.url.endswith("#/events")


def test_a_fault_of_the_page_is_told_to_the_server_once(served, visit):
    page = visit()
    page.page.wait_for_selector("article[data-camera=gate-1][data-live=true]")
    page.page.evaluate(
        "() => { for (let i = 0; i < 5; i += 1) setTimeout(() => { throw new Error('by a test'); }, 0); }"
    )

    with page.page.expect_request("**/api/v1/client-logs") as sent:
        pass
    sent.value.response()
    [entry] = [entry for entry in served.api.logged if "by a test" in entry["message"]]
    assert (entry["level"], entry["event"]) == ("error", "exception")
