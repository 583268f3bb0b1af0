from datetime import UTC
from zoneinfo import ZoneInfo

import cv2
import numpy as np
import pytest

from cluster.camera import snapshot
from cluster.camera.snapshot import draw, snapshot_jpegs
from cluster.safety.events import SeenObject
from cluster.safety.pictures import ZoneOutline

GREY = 100
ZONE = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))
DANGER = ZoneOutline("press", "프레스 / Press", "danger", ZONE)
WARNING = ZoneOutline("door", "문 / Door", "warning", ZONE)
PERSON = SeenObject("person", 0.87, (0.1, 0.2, 0.3, 0.9), 7)


def picture(width: int = 640, height: int = 480) -> np.ndarray:
    return np.full((height, width, 3), GREY, np.uint8)


def test_the_frame_itself_is_not_painted_on() -> None:
    image = picture()

    draw(image, [PERSON], [DANGER], "press", "gate-1")

    assert (image == GREY).all()


@pytest.mark.parametrize(("zone", "channel_order"), [(DANGER, "red"), (WARNING, "amber")])
def test_a_zone_is_tinted_inside_and_not_outside(zone: ZoneOutline, channel_order: str) -> None:
    drawn = draw(picture(), [], [zone], zone.zone_id, "").astype(int)

    blue, green, red = drawn[300, 320]
    assert red > GREY > blue
    assert (green > GREY) == (channel_order == "amber")
    assert (drawn[300, 600] == GREY).all()


def test_the_zone_of_the_event_stands_out() -> None:
    loud = draw(picture(), [], [DANGER], "press", "").astype(int)[300, 320, 2]
    quiet = draw(picture(), [], [DANGER], "another", "").astype(int)[300, 320, 2]

    assert loud > quiet > GREY


def test_an_object_is_framed_and_named() -> None:
    drawn = draw(picture(), [PERSON], [], "", "")
    unnamed = draw(picture(), [SeenObject("", 0.0, PERSON.box)], [], "", "")

    assert (drawn[300, 64] != GREY).any(), "left edge"
    assert (drawn[432, 100] != GREY).any(), "lower edge"
    assert (drawn[300, 120] == GREY).all(), "inside"
    assert (drawn != unnamed).any()


def test_korean_names_are_written_and_not_question_marks() -> None:
    named = draw(picture(), [], [DANGER], "press", "")
    asked = draw(picture(), [], [ZoneOutline("press", "??? / Press", "danger", ZONE)], "press", "")

    assert (named != asked).any()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (16, 16), (160, 120), (1920, 1080), (480, 1920)])
def test_pictures_of_every_size_can_be_drawn_on(width: int, height: int) -> None:
    outside = SeenObject("person", 1.0, (-0.2, -0.1, 1.4, 1.2))

    drawn = draw(picture(width, height), [PERSON, outside], [DANGER], "press", "gate-1  DANGER_ZONE_INTRUSION  " * 3)

    assert drawn.shape == (height, width, 3)


def test_lines_grow_with_the_picture() -> None:
    def left_edge_px(scale: int) -> int:
        drawn = draw(picture(640 * scale, 480 * scale), [PERSON], [], "", "")
        return int((drawn[300 * scale, : 120 * scale] != GREY).any(axis=1).sum())

    assert left_edge_px(4) > 2 * left_edge_px(1)


@pytest.mark.parametrize(
    ("time_zone", "moment"), [(UTC, "2026-03-01 12:00:00 UTC"), (ZoneInfo("Asia/Seoul"), "2026-03-01 21:00:00 KST")]
)
def test_the_caption_says_where_what_when_and_which_frame(
    monkeypatch, make_frame, make_event, time_zone, moment
) -> None:
    captions = []
    monkeypatch.setattr(snapshot, "draw", lambda image, *rest: captions.append(rest[-1]) or image)

    snapshot_jpegs(make_frame(9), make_event(9), [DANGER], time_zone=time_zone)

    assert captions == [f"gate-1  DANGER_ZONE_INTRUSION  {moment}  gate-1-3-9"]


def test_both_pictures_are_the_full_frame_and_the_clean_one_is_clean(make_frame, make_event) -> None:
    frame = make_frame(9)

    jpegs = snapshot_jpegs(frame, make_event(9), [DANGER])

    drawn, clean = (
        cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).astype(int) for jpeg in (jpegs.drawn, jpegs.clean)
    )
    assert drawn.shape == clean.shape == frame.image.shape
    assert np.abs(clean - frame.image).mean() < 10
    assert np.abs(drawn - clean)[400, 320].max() < 20, "outside of zone and box"
    assert np.abs(drawn - clean)[300, 320].max() > 20, "inside the zone"
    assert jpegs.correlation_id == "gate-1-3-9"
