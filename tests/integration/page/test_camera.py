"""One camera: drawing zones and masks on the picture, the dry run, the switches."""

import numpy as np
import pytest
from counterparts.page_site import fakes, now

from cluster.safety.geometry import polygon_fault


@pytest.fixture
def camera(served, visit):
    known = served.site.cameras.known
    known["gate-1"] = fakes.replace(known["gate-1"], managed="api")
    page = visit("#/cameras/gate-1")
    page.page.wait_for_selector("article[data-camera=gate-1][data-live=true]")
    page.page.wait_for_selector("li[data-zone=press]")
    return page


def _press_at(page, x, y):
    box = page.page.locator(".stage").bounding_box()
    page.page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def _said(page):
    return page.page.locator(".worth").inner_text()


def _near(polygon, expected):
    return np.shape(polygon) == np.shape(expected) and np.allclose(polygon, expected, atol=0.01)


def test_a_zone_is_drawn_judged_tried_and_saved(served, camera):
    camera.page.get_by_role("button", name="구역 그리기").click()
    assert "0개" in _said(camera)
    _press_at(camera, 0.1, 0.1)
    _press_at(camera, 0.2, 0.1)
    _press_at(camera, 0.2, 0.3)
    _press_at(camera, 0.15, 0.02)
    assert "엇갈립니다" in _said(camera)
    assert camera.page.get_by_role("button", name="저장", exact=True).is_disabled()

    camera.page.get_by_role("button", name="실행 취소").click()
    camera.page.get_by_label("구역 ID (비우면 자동)").fill("belt")
    assert _said(camera) == "모양이 올바릅니다."
    camera.page.get_by_role("button", name="최근 10분으로 시험").click()
    camera.page.wait_for_selector("text=이벤트 1건이 발생했을 것입니다")
    camera.shot("draw-ko-dark-1440")
    camera.page.get_by_role("button", name="저장", exact=True).click()

    camera.page.wait_for_selector("li[data-zone=belt]")
    saved = served.api.zones[1]
    assert (saved["zone_id"], saved["kind"]) == ("belt", "danger")
    assert _near(saved["polygon"], [[0.1, 0.1], [0.2, 0.1], [0.2, 0.3]])
    assert (camera.complaints, camera.foreign) == ([], [])


def test_points_are_moved_by_mouse_and_keys_and_deleted(served, camera):
    camera.page.locator("li[data-zone=press]").get_by_role("button", name="편집").click()
    box = camera.page.locator(".stage").bounding_box()
    camera.page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    camera.page.mouse.down()
    camera.page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.2 * box["height"], steps=3)
    camera.page.mouse.up()
    camera.page.locator(".handle[data-point='1']").focus()
    camera.page.keyboard.press("Shift+ArrowRight")
    camera.page.locator(".handle[data-point='3']").focus()
    camera.page.keyboard.press("Delete")
    camera.page.get_by_role("button", name="저장", exact=True).click()

    camera.page.wait_for_selector("text=저장했습니다")
    [zone] = served.api.zones
    assert _near(zone["polygon"], [[0.2, 0.2], [0.72, 0.3], [0.7, 1.0]])
    assert zone["require"] == ["helmet"]
    assert zone["gap_grace_s"] == 2.0


def test_a_change_of_something_else_of_the_camera_is_no_question(served, camera):
    camera.page.locator("li[data-zone=press]").get_by_role("button", name="편집").click()
    camera.page.get_by_label("구역 이름").fill("벨트")
    served.api.revision += 1
    camera.page.get_by_role("button", name="저장", exact=True).click()

    camera.page.wait_for_selector("text=저장했습니다")
    assert served.api.zones[0]["name"] == "벨트"


def test_who_was_overtaken_by_another_keeps_what_he_typed_and_chooses(served, camera):
    camera.page.locator("li[data-zone=press]").get_by_role("button", name="편집").click()
    camera.page.get_by_label("구역 이름").fill("벨트")
    camera.page.get_by_label("위험으로 격상").fill("7")
    smaller = [[0.4, 0.4], [0.6, 0.4], [0.6, 0.9]]
    served.api.zones = [served.api.zones[0] | {"name": "압착기", "polygon": smaller, "cooldown_s": 9.0}]
    served.api.revision += 1
    camera.page.get_by_role("button", name="저장", exact=True).click()

    conflict = camera.page.locator(".conflict")
    conflict.locator("text=kim").wait_for()
    assert camera.page.get_by_label("구역 이름").input_value() == "벨트"
    assert conflict.locator("fieldset").count() == 2
    shape = conflict.locator("[data-field=polygon]")
    assert shape.get_by_label("바뀐 값: 점 3개").is_checked()
    camera.shot("conflict-zone-ko-dark-1440")
    shape.get_by_label("내 값").check()
    conflict.locator("[data-field=name]").get_by_label("바뀐 값").check()
    camera.page.get_by_role("button", name="저장", exact=True).click()

    camera.page.wait_for_selector("text=저장했습니다")
    [zone] = served.api.zones
    assert (zone["name"], zone["escalate_after_s"], zone["cooldown_s"]) == ("압착기", 7, 9.0)
    assert len(zone["polygon"]) == 4


def test_a_zone_that_was_deleted_meanwhile_is_made_anew_if_somebody_saves_it(served, camera):
    camera.page.locator("li[data-zone=press]").get_by_role("button", name="편집").click()
    served.api.zones, served.api.revision = [], served.api.revision + 1
    camera.page.get_by_role("button", name="저장", exact=True).click()
    camera.page.wait_for_selector("text=삭제했습니다. 저장하면 새로 만듭니다")
    assert served.api.zones == []
    camera.page.get_by_role("button", name="저장", exact=True).click()

    camera.page.wait_for_selector("text=저장했습니다")
    assert [zone["zone_id"] for zone in served.api.zones] == ["press"]


def test_a_privacy_mask_is_drawn_by_keys_alone(served, camera):
    camera.page.get_by_role("button", name="보호 영역 그리기").focus()
    camera.page.keyboard.press("Enter")
    for _ in range(3):
        camera.page.get_by_role("button", name="점 추가").press("Enter")
    camera.page.get_by_role("button", name="저장", exact=True).press("Enter")

    camera.page.wait_for_selector("li[data-kind=mask]")
    assert len(served.api.masks[0]) == 3


def test_detection_is_switched_off_with_a_reason_and_an_end_and_on_again(served, camera):
    line = camera.page.locator(".switch[data-field=detect]")
    line.get_by_role("button", name="끄기…").click()
    line.get_by_label("사유").fill("렌즈 청소")
    line.get_by_role("button", name="끄기", exact=True).click()

    camera.page.wait_for_selector(".switch[data-field=detect][data-off=true]")
    [word] = served.api.overrides
    assert (word["value"], word["reason"]) == (False, "렌즈 청소")
    assert word["until"] > now().isoformat()
    line.get_by_role("button", name="다시 켜기").click()
    camera.page.wait_for_selector(".switch[data-field=detect][data-off=false]")
    assert served.api.overrides == []


def test_the_zones_of_a_declared_camera_are_shown_and_not_changed(served, visit):
    page = visit("#/cameras/gate-1")
    page.page.wait_for_selector("li[data-zone=press]")

    assert "serve_config.yaml" in page.page.locator(".declared").inner_text()
    assert page.page.get_by_role("button", name="구역 그리기").count() == 0
    assert page.page.get_by_role("button", name="편집").count() == 0


def test_the_page_judges_shapes_as_the_server_does(served, visit):
    page = visit("#/live")
    numbers = np.random.default_rng(7)
    shapes = [numbers.integers(0, 5, (points, 2)) / 4 for points in (2, 3, 4, 4, 5, 6) for _ in range(40)]
    judged = page.page.evaluate(
        """async shapes => { const { polygonFault } = await import("/static/polygon.js");
             return shapes.map((shape) => polygonFault(shape) === null); }""",
        [shape.tolist() for shape in shapes],
    )

    assert judged == [polygon_fault([tuple(point) for point in shape.tolist()]) is None for shape in shapes]
    assert 0 < sum(judged) < len(shapes)
