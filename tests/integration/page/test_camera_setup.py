"""Cameras made, tried, changed and deleted on the page, against the API's own routes."""

import base64

import pytest
from counterparts.page_site import Served, fakes, small_site, street

FAILED = {"ok": False, "width": None, "height": None, "fps": None, "codec": None, "picture": None}


@pytest.fixture
def served():
    """dock-1 was made through the API, gate-1 is declared."""
    site = small_site()
    site.cameras.known["dock-1"] = fakes.report("dock-1", managed="api", name="Dock 1")
    site.cameras.pictures["dock-1"] = fakes.picture("dock-1", jpeg=street(), zones=())
    site.changed.trial.found["picture"] = base64.b64encode(street()).decode()
    with Served(site) as running:
        yield running


def _fill(page, **labels):
    for label, text in labels.items():
        page.get_by_label(label.replace("_", " "), exact=True).fill(text)


def test_a_camera_is_tried_and_made_and_its_password_goes_nowhere_else(served, visit):
    page = visit("#/setup")
    tried = served.site.changed.trial.tried
    page.page.get_by_role("button", name="카메라 추가").click()
    page.page.wait_for_selector("text=표시된 항목을 고치세요", state="detached")
    assert page.page.locator("[aria-invalid]").count() == 2

    _fill(page.page, 이름="펌프 2", 영상_주소="rtsp://me:p@ss w0rd@10.0.0.9/live")
    page.page.get_by_label("이름", exact=True).focus()
    assert page.page.get_by_label("영상 주소", exact=True).input_value() == "rtsp://10.0.0.9/live"
    assert page.page.get_by_label("비밀번호").get_attribute("type") == "password"
    page.page.get_by_role("button", name="연결 시험").click()
    page.page.wait_for_selector(".trial img")
    assert page.page.evaluate("document.querySelector('.trial img').naturalWidth") == 640
    assert "640 × 360 · 25 fps · h264" in page.page.locator(".trial").inner_text()
    assert tried[0].source == "rtsp://me:p%40ss%20w0rd@10.0.0.9/live"
    _fill(page.page, 카메라_ID="pump-2")
    page.shot("setup-new-ko-dark-1440")
    page.page.get_by_role("button", name="카메라 추가").click()

    page.page.wait_for_selector("text=카메라를 추가했습니다")
    made = served.site.changed.store.rows["pump-2"].settings
    assert (made.name, made.source) == ("펌프 2", tried[0].source)
    assert page.page.url.endswith("#/setup/pump-2?added=1")
    assert "w0rd" not in page.page.content()
    assert (page.complaints, page.foreign) == ([], [])


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("ko-KR", ("카메라가 로그인을 거부합니다", "기술 정보")),
        ("en-GB", ("The camera refuses the login", "In detail")),
    ],
)
def test_a_source_that_gives_nothing_says_why_in_plain_words(served, visit, locale, words):
    served.site.changed.trial.found = FAILED | {
        "code": "unauthorized", "reason": "10.0.0.9 refuses the login", "mend": "check them"
    }  # fmt: skip
    page = visit("#/setup/dock-1", locale=locale)
    page.page.locator(".trial-panel button").click()
    page.page.wait_for_selector(".trial-wrong")

    said = page.page.locator(".trial").inner_text()
    assert all(one in said for one in (*words, "10.0.0.9 refuses the login", "check them"))
    # *** stands for what is stored, and the server puts it in.
    assert served.site.changed.trial.tried[0].source == "rtsp://me:Geheim1@10.0.0.5/1"


def test_only_what_was_changed_is_sent_and_who_was_overtaken_decides_field_by_field(served, visit):
    page = visit("#/setup/dock-1")
    store = served.site.changed.store
    _fill(page.page, 이름="부두 1")
    page.page.get_by_role("button", name="저장", exact=True).click()
    page.page.wait_for_selector("text=저장했습니다")
    saved = store.rows["dock-1"].settings
    assert (saved.name, saved.source, len(saved.zones)) == ("부두 1", "rtsp://me:Geheim1@10.0.0.5/1", 1)

    page.page.get_by_label("이름", exact=True).fill("부두 하나")
    page.page.get_by_label("감지 속도").fill("8")
    store.rows["dock-1"] = fakes.replace(
        store.rows["dock-1"],
        revision=store.rows["dock-1"].revision + 1,
        settings=saved.model_copy(update={"name": "서쪽 부두", "fallen": False}),
    )
    page.page.get_by_role("button", name="저장", exact=True).click()
    page.page.wait_for_selector(".conflict")
    assert page.page.get_by_label("이름", exact=True).input_value() == "부두 하나"
    assert not page.page.get_by_label("쓰러짐 알림").is_checked()
    page.page.locator(".conflict [data-field=name]").get_by_label("바뀐 값").check()
    page.shot("conflict-ko-dark-1440")
    page.page.get_by_role("button", name="저장", exact=True).click()

    page.page.wait_for_selector(".conflict", state="detached")
    saved = store.rows["dock-1"].settings
    assert (saved.name, saved.detect_fps, saved.fallen) == ("서쪽 부두", 8.0, False)


def test_deleting_says_what_is_lost_and_asks_for_the_id(served, visit):
    page = visit("#/setup/dock-1")
    page.page.get_by_role("button", name="삭제…").click()
    question = page.page.locator(".question")
    question.locator("text=프레스 / Press").wait_for()
    sure = question.get_by_role("button", name="dock-1 삭제")
    assert sure.is_disabled()
    question.get_by_label("확인을 위해").fill("dock-1")
    page.shot("delete-ko-dark-1440")
    sure.click()

    page.page.wait_for_selector("text=카메라 dock-1 을(를) 삭제했습니다")
    assert "dock-1" not in served.site.changed.store.rows
    assert (page.complaints, page.foreign) == ([], [])


def test_a_declared_camera_says_which_file_declares_it_and_offers_its_switches_only(served, visit):
    page = visit("#/cameras")
    page.page.locator("li[data-camera=gate-1]").get_by_role("link", name="설정").click()
    page.page.wait_for_selector(".declared:has-text('serve_config.yaml')")
    page.page.wait_for_selector(".switch[data-field=detect] button")

    assert page.page.get_by_label("영상 주소").is_disabled()
    assert page.page.get_by_role("button", name="저장").count() == 0
    assert page.page.get_by_role("button", name="삭제…").count() == 0
    assert page.page.get_by_role("button", name="연결 시험").count() == 0
