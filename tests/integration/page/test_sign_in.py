"""Signing in on the page, with real accounts on a real database."""

import pytest
from counterparts.page_site import Served, SignedSite, small_site

PASSWORD = "correct horse battery"


@pytest.fixture
def served(sqlite_site):
    """Instead of the site without sign-in."""
    with Served(SignedSite(small_site(), sqlite_site, {"kim": "operator", "lee": "admin"}, PASSWORD)) as running:
        yield running


def _sign_in(page, name, password=PASSWORD):
    page.page.get_by_label("사용자 이름").fill(name)
    page.page.get_by_label("비밀번호").fill(password)
    page.page.get_by_role("button", name="로그인").click()


def test_the_form_leads_to_the_address_that_was_asked_for_and_a_lost_session_back_to_it(served, visit):
    page = visit("#/events?severity=CRITICAL")
    page.page.wait_for_selector("form.sign-in")
    assert page.page.locator(".views").is_hidden()
    _sign_in(page, "kim", "wrong wrong wrong")
    page.page.wait_for_selector("text=이름 또는 비밀번호가 맞지 않습니다.")

    _sign_in(page, "kim")
    page.page.wait_for_selector(".events-table tbody tr")
    assert page.page.url.endswith("#/events?severity=CRITICAL")
    assert page.page.locator(".views a").all_inner_texts() == ["실시간", "이벤트", "카메라", "시스템"]

    served.site.disable("kim")
    page.page.wait_for_selector("form.sign-in")  # with the next list of cameras that is refused
    assert page.page.url.endswith("#/events?severity=CRITICAL")
    assert page.page.locator("dialog[open]").count() == 0


def test_an_operator_acknowledges_by_his_own_name_and_signs_out(served, visit):
    page = visit()
    _sign_in(page, "kim")
    page.page.wait_for_selector("article[data-camera=gate-1][data-live=true]")
    page.page.locator(".event", has_text="카메라 감시 안 됨").locator(".thumb").click()
    assert page.page.locator("#viewer-name").is_hidden()
    page.page.locator("#viewer-acknowledge").click()
    page.page.wait_for_selector("#viewer-acknowledge:disabled:has-text('kim 확인')")
    assert len(served.site.events.said) == 1
    page.page.keyboard.press("Escape")

    page.page.locator("#sign-out").click()

    page.page.wait_for_selector("form.sign-in")
    assert page.page.locator("article").count() == 0
    assert page.foreign == []


def test_an_administrator_makes_a_user_and_a_token_that_is_shown_once(served, visit):
    page = visit("#/users")
    _sign_in(page, "lee")
    page.page.wait_for_selector("text=kim")
    form = page.page.get_by_role("region", name="사용자 추가")
    form.get_by_label("사용자 이름").fill("park")
    form.get_by_label("비밀번호").fill("another good password")
    form.get_by_role("button", name="사용자 추가").click()
    page.page.wait_for_selector("td:text-is('park')")

    form = page.page.get_by_role("region", name="토큰 만들기")
    form.get_by_label("이름").fill("scada")
    form.get_by_role("button", name="토큰 만들기").click()
    page.page.wait_for_selector("textarea")
    assert page.page.locator("textarea").input_value().count(".") == 2
    page.page.reload()
    page.page.wait_for_selector("td:text-is('scada')")
    assert page.page.locator("textarea").count() == 0
