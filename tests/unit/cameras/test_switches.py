"""What operators switched off, over what is configured."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cluster.safety.errors import DatabaseUnavailable
from cluster.settings.cameras import CameraSettings
from cluster.storage.overrides import ALL_CAMERAS, Override, OverrideField
from deployments.cameras.desired import Desired
from deployments.cameras.switches import Switches

NOON = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)  # noon in Seoul
GATE = Desired(CameraSettings(camera_id="gate-1", source="rtsp://cam/1"), 7)
DOCK = Desired(CameraSettings(camera_id="dock-1", source="rtsp://cam/2", detect=False), 8)
CAMERAS = {"gate-1": GATE, "dock-1": DOCK}


def off(camera_id: str, minutes: float | None = None, field: OverrideField = OverrideField.DETECT) -> Override:
    until = None if minutes is None else NOON + timedelta(minutes=minutes)
    return Override(camera_id, field, False, "kim", "점검", until, NOON)


class FakeStore:
    def __init__(self, words: Sequence[Override]) -> None:
        self.words, self.away = list(words), False

    async def newest(self) -> list[Override]:
        if self.away:
            raise DatabaseUnavailable("away")
        return list(self.words)


def switches_with(*words: Override) -> tuple[Switches, FakeStore]:
    store = FakeStore(words)
    switches = Switches(store, ZoneInfo("Asia/Seoul"))
    asyncio.run(switches.read())
    return switches, store


def test_detection_is_off_for_whom_it_was_switched_off_and_it_is_said_by_whom() -> None:
    switches, _ = switches_with(off("gate-1", 30))

    over = switches.over(CAMERAS, NOON)

    assert over["gate-1"].settings == GATE.settings.model_copy(update={"detect": False})
    assert over["gate-1"].switched_off == "detection is switched off by kim: 점검, until 2026-11-23 12:30"
    assert over["gate-1"].revision != GATE.revision
    assert over["gate-1"].assignment(5, "1").switched_off == over["gate-1"].switched_off
    assert over["dock-1"] is DOCK


def test_after_its_end_everything_is_as_it_was() -> None:
    switches, _ = switches_with(off("gate-1", 30), off(ALL_CAMERAS, 10, OverrideField.ENABLED))

    assert [one.settings.enabled for one in switches.over(CAMERAS, NOON).values()] == [False, False]
    assert switches.over(CAMERAS, NOON + timedelta(minutes=30)) == CAMERAS


def test_the_same_words_give_the_same_revision_and_others_another_one() -> None:
    first, _ = switches_with(off("gate-1"))
    again, _ = switches_with(off("gate-1"))
    longer, _ = switches_with(off("gate-1", 60))

    revisions = [one.over(CAMERAS, NOON)["gate-1"].revision for one in (first, again, longer)]
    assert revisions[0] == revisions[1] != revisions[2]


def test_the_last_words_stay_in_force_while_the_database_is_away() -> None:
    switches, store = switches_with(off(ALL_CAMERAS))
    store.away = True

    with pytest.raises(DatabaseUnavailable):
        asyncio.run(switches.read())

    assert switches.over(CAMERAS, NOON)["gate-1"].settings.detect is False


def test_without_any_word_known_cameras_do_what_is_configured() -> None:
    switches = Switches(FakeStore([off(ALL_CAMERAS)]), UTC)

    assert switches.over(CAMERAS, NOON) == CAMERAS


def test_it_is_said_whether_anything_changed() -> None:
    switches, store = switches_with(off("gate-1"))
    assert asyncio.run(switches.read()) is False

    store.words.append(off("dock-1"))
    assert asyncio.run(switches.read()) is True
