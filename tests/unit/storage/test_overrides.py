"""Which of several words about a camera holds."""

from datetime import UTC, datetime, timedelta

import pytest

from cluster.storage.overrides import ALL_CAMERAS, Override, OverrideField, effective

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEFORE, AFTER = NOON - timedelta(minutes=1), NOON + timedelta(minutes=1)


def word(camera_id: str, value: bool | None, until: datetime | None = None) -> Override:
    return Override(camera_id, OverrideField.DETECT, value, "kim", until=until, set_at=BEFORE)


@pytest.mark.parametrize(
    ("newest", "expected"),
    [
        ([], None),
        ([word("gate-1", False)], False),
        ([word("gate-1", True)], True),
        ([word("gate-1", None)], None),
        ([word("gate-2", False)], None),
        ([word(ALL_CAMERAS, False)], False),
        ([word("gate-1", False, until=AFTER)], False),
        ([word("gate-1", False, until=NOON)], None),
        ([word("gate-1", True), word(ALL_CAMERAS, False)], False),
        ([word(ALL_CAMERAS, True), word("gate-1", False)], False),
        ([word("gate-1", True), word(ALL_CAMERAS, False, until=BEFORE)], True),
        ([word("gate-1", None), word(ALL_CAMERAS, False)], False),
    ],
)
def test_the_word_that_switches_off_wins_while_it_holds(newest: list[Override], expected: bool | None) -> None:
    found = effective(newest, "gate-1", NOON).get(OverrideField.DETECT)

    assert (found.value if found is not None else None) is expected


def test_muting_is_what_switches_off_of_its_field() -> None:
    loud = Override("gate-1", OverrideField.MUTED, False, "kim")
    quiet = Override(ALL_CAMERAS, OverrideField.MUTED, True, "lee")

    assert effective([loud, quiet], "gate-1", NOON)[OverrideField.MUTED] is quiet
