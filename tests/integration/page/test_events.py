"""The view of events: filters in the address, keys, many at once, the chart."""

from urllib.parse import parse_qs, urlsplit

from counterparts.page_site import fakes, now, street

ROWS = ".events-table tbody tr"


def _filtered(page):
    return parse_qs(urlsplit(page.url).fragment.partition("?")[2])


def test_filters_live_in_the_address_and_go_to_the_api(served, visit):
    page = visit("#/events?severity=CRITICAL")
    page.page.wait_for_selector(ROWS)
    assert [wanted.severity for wanted in served.site.events.asked][-1] is fakes.Severity.CRITICAL

    page.page.get_by_label("카메라", exact=True).select_option("press-2")
    page.page.wait_for_function("location.hash.includes('camera_id=press-2')")
    # The site's time, UTC here; the browser is in New York.
    page.page.get_by_label("시작").fill("2026-11-23T08:30")
    page.page.get_by_label("시작").dispatch_event("change")

    page.page.wait_for_function("location.hash.includes('opened_after')")
    assert _filtered(page.page) == {
        "severity": ["CRITICAL"], "camera_id": ["press-2"], "opened_after": ["2026-11-23T08:30:00Z"],
    }  # fmt: skip
    page.page.get_by_role("button", name="필터 지우기").click()
    page.page.wait_for_function("location.hash === '#/events'")
    assert (page.complaints, page.foreign) == ([], [])


def test_the_table_is_used_by_keys_alone(served, visit):
    page = visit("#/events")
    page.page.wait_for_selector(f"{ROWS}[data-state=open]")
    page.page.locator(f"{ROWS}").first.focus()
    page.page.keyboard.press("ArrowDown")
    focused = page.page.evaluate("document.activeElement.dataset.event")

    page.page.keyboard.press("a")
    page.page.wait_for_function(
        "id => document.querySelector(`tr[data-event='${id}'] td:last-child`).textContent !== '—'", arg=focused
    )
    [said] = served.site.events.said
    assert (said.event_id, said.occurrence) == (focused, served.site.events.rows[focused].occurrence)

    page.page.keyboard.press("Enter")
    page.page.wait_for_selector("dialog[open]")
    assert f"event={focused}" in page.page.url
    page.page.keyboard.press("Escape")
    page.page.wait_for_function("!location.hash.includes('event=')")
    assert (page.complaints, page.foreign) == ([], [])


def test_a_new_event_comes_into_the_table_if_it_fits_the_filters(served, visit):
    served.site.events.rows.clear()
    page = visit("#/events?camera_id=yard-3")
    page.page.wait_for_selector("text=조건에 맞는 이벤트가 없습니다.")
    before = page.page.locator(ROWS).count()
    other = served.site.events.add(30, camera_id="gate-1", opened_at=now(), updated_at=now())
    fitting = served.site.events.add(31, camera_id="yard-3", opened_at=now(), updated_at=now())
    served.site.snapshots.kept[fitting.snapshot_name] = served.site.snapshots.kept[other.snapshot_name] = street()

    page.page.wait_for_selector(f"tr[data-event='{fitting.event.event_id}']")
    assert page.page.locator(f"tr[data-event='{other.event.event_id}']").count() == 0
    assert page.page.locator(ROWS).count() == before + 1


def test_many_events_are_acknowledged_at_once_with_a_remark(served, visit):
    page = visit("#/events")
    page.page.wait_for_selector(ROWS)
    page.page.get_by_label("표시된 이벤트 모두 선택").check()
    page.page.get_by_placeholder("메모").fill("점검 중")
    page.page.get_by_role("button", name="선택한 이벤트 확인").click()

    page.page.wait_for_selector("text=4건 확인됨")
    [(_, _, body)] = [asked for asked in served.api.asked if asked[1] == "/events/acknowledge"]
    assert body["remark"] == "점검 중"
    assert set(body["event_ids"]) == set(served.site.events.rows)


def test_the_detail_shows_the_picture_without_boxes_on_request(served, visit):
    stored = next(row for row in served.site.events.rows.values() if row.snapshot_name)
    served.site.snapshots.kept[stored.snapshot_name.replace(".jpg", "-clean.jpg")] = street()
    page = visit(f"#/events?event={stored.event.event_id}")
    page.page.wait_for_selector("dialog[open] img")
    assert page.page.locator(".timeline li").count() >= 2

    page.page.get_by_label("박스 표시").uncheck()

    assert page.page.locator("#viewer-picture").get_attribute("src").endswith("?clean=1")


def test_the_chart_counts_hours_and_the_exports_have_the_filters(served, visit):
    page = visit("#/events?severity=CRITICAL")
    page.page.wait_for_selector(".chart svg[role=img] rect")
    assert page.page.locator(".chart svg").get_attribute("aria-label").startswith("시간별 이벤트 수, 합계")
    assert page.page.locator(".chart rect[data-severity=CRITICAL]").count() == 6
    hrefs = [link.get_attribute("href") for link in page.page.locator(".exports a").all()]
    assert hrefs == [f"/api/v1/events/export?format={name}&severity=CRITICAL" for name in ("csv", "jsonl")]
