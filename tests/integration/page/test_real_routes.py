"""The page against the API's own routes, without the canned answers: that both mean the same."""

import pytest
from counterparts.page_site import Served, fakes, small_site, street


@pytest.fixture
def served():
    """Instead of the one with canned answers: dock-1 was made through the API, gate-1 is declared."""
    site = small_site()
    site.cameras.known["dock-1"] = fakes.report("dock-1", managed="api", name="Dock 1")
    site.cameras.pictures["dock-1"] = fakes.picture("dock-1", jpeg=street(), zones=())
    with Served(site) as running:
        yield running


def test_zones_masks_and_switches_are_changed(served, visit):
    page = visit("#/cameras/dock-1")
    changed = served.site.changed
    page.page.wait_for_selector("li[data-zone=press]")
    page.page.get_by_role("button", name="구역 그리기").click()
    for _ in range(3):
        page.page.get_by_role("button", name="점 추가").click()
    page.page.get_by_role("button", name="최근 10분으로 시험").click()
    page.page.wait_for_selector("text=이벤트가 없었을 것입니다")
    page.page.get_by_role("button", name="저장", exact=True).click()
    page.page.wait_for_selector(".shapes li[data-zone]:nth-child(2)")
    assert len(changed.store.rows["dock-1"].settings.zones) == 2

    page.page.locator("li[data-zone=press]").get_by_role("button", name="편집").click()
    page.page.get_by_label("구역 이름").fill("벨트")
    page.page.get_by_role("button", name="저장", exact=True).click()
    page.page.wait_for_selector("li[data-zone=press]:has-text('벨트')")

    page.page.get_by_role("button", name="보호 영역 그리기").click()
    for _ in range(3):
        page.page.get_by_role("button", name="점 추가").click()
    page.page.get_by_role("button", name="저장", exact=True).click()
    page.page.wait_for_selector("li[data-kind=mask]")
    assert len(changed.store.rows["dock-1"].settings.privacy_masks) == 1

    line = page.page.locator(".switch[data-field=muted]")
    line.get_by_role("button", name="끄기…").click()
    line.get_by_role("button", name="끄기", exact=True).click()
    page.page.wait_for_selector(".switch[data-field=muted][data-off=true]")
    line.get_by_role("button", name="다시 켜기").click()
    page.page.wait_for_selector(".switch[data-field=muted][data-off=false]")
    assert [(one.field.value, one.value) for one in changed.words.said] == [("muted", True), ("muted", None)]
    assert (page.complaints, page.foreign) == ([], [])


def test_every_view_understands_its_answers(served, visit):
    page = visit("#/cameras/gate-1")
    page.page.wait_for_selector(".declared:has-text('serve_config.yaml')")
    page.page.evaluate("() => { location.hash = '#/system'; }")
    page.page.wait_for_selector("h2:text-is('모델') ~ .scroll td")
    page.page.wait_for_selector("text=Alertmanager가 설정되어 있지 않습니다")
    page.page.evaluate("() => { location.hash = '#/events'; }")
    page.page.wait_for_selector(".chart-figure > *")
    page.page.get_by_label("표시된 이벤트 모두 선택").check()
    page.page.get_by_role("button", name="선택한 이벤트 확인").click()
    page.page.wait_for_selector("text=4건 확인됨")
    assert all(row.acknowledged_at for row in served.site.events.rows.values())
    with page.page.expect_download() as exported:
        page.page.get_by_role("link", name="CSV 내보내기").click()
    assert exported.value.suggested_filename.endswith(".csv")
    page.page.evaluate("() => { location.hash = '#/audit'; }")
    page.page.wait_for_selector("td:text-is('events.export')")
    assert (page.complaints, page.foreign) == ([], [])
