"""A level for one camera reaches its actor like any other change of what it should do."""

import pickle

from cluster.settings.cameras import Assignment, CameraSettings, logging_of
from cluster.settings.log_levels import LogSettings
from deployments.cameras.desired import Desired, with_logging

GATE = Desired(CameraSettings(camera_id="gate-1", source="rtsp://cam/1"), 7)
DOCK = Desired(CameraSettings(camera_id="dock-1", source="rtsp://cam/2"), 8)
CAMERAS = {"gate-1": GATE, "dock-1": DOCK}


def test_without_a_word_about_logging_nothing_is_different() -> None:
    assert with_logging(CAMERAS, LogSettings()) == CAMERAS


def test_a_camera_with_a_level_of_its_own_has_another_revision_and_the_others_have_not() -> None:
    closely = LogSettings(cameras={"gate-1": "DEBUG"})

    changed = with_logging(CAMERAS, closely)

    assert changed["dock-1"] == DOCK
    assert changed["gate-1"].settings == GATE.settings
    assert changed["gate-1"].revision != GATE.revision
    assert changed == with_logging(CAMERAS, closely), "the same words have the same revision"
    assert changed["gate-1"].assignment(9, "r1").logging == LogSettings(level="DEBUG")


def test_what_holds_for_all_holds_where_nothing_else_is_said() -> None:
    changed = with_logging(CAMERAS, LogSettings(level="ERROR", cameras={"gate-1": "INFO"}, frame_every_s=60))

    assert [changed[name].logging.level for name in CAMERAS] == ["INFO", "ERROR"]
    assert {one.logging.frame_every_s for one in changed.values()} == {60.0}


def test_an_assignment_of_an_older_release_says_nothing_and_that_is_no_fault() -> None:
    old = GATE.assignment(9, "r0")
    state = old.__getstate__()
    del state["__dict__"]["logging"]
    unpickled = pickle.loads(pickle.dumps(old))  # noqa: S301 - our own
    unpickled.__setstate__(state)

    assert isinstance(unpickled, Assignment)
    assert logging_of(unpickled) == LogSettings()
