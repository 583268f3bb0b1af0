"""Parts of the week: operating hours of the site, hours of a notification rule."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from cluster.settings.notifications import HoursSettings

MONDAY, FRIDAY, SATURDAY = "2026-03-02", "2026-03-06", "2026-03-07"
DAY: dict[str, Any] = {"since": "08:00", "until": "18:00", "days": ["mon", "fri"]}
NIGHT: dict[str, Any] = {"since": "22:00", "until": "06:00", "days": ["fri"]}


@pytest.mark.parametrize(
    ("hours", "moment", "expected"),
    [
        ({}, f"{MONDAY}T00:00", True),
        ({}, f"{SATURDAY}T23:59:59", True),
        ({"days": ["mon"]}, f"{MONDAY}T00:00", True),
        ({"days": ["mon"]}, f"{SATURDAY}T12:00", False),
        (DAY, f"{MONDAY}T07:59:59", False),
        (DAY, f"{MONDAY}T08:00", True),
        (DAY, f"{MONDAY}T17:59:59", True),
        (DAY, f"{MONDAY}T18:00", False),
        (DAY, f"{SATURDAY}T12:00", False),
        (NIGHT, f"{FRIDAY}T21:59:59", False),
        (NIGHT, f"{FRIDAY}T22:00", True),
        (NIGHT, f"{SATURDAY}T05:59:59", True),
        (NIGHT, f"{SATURDAY}T06:00", False),
        (NIGHT, f"{SATURDAY}T22:00", False),
        (NIGHT, f"{FRIDAY}T05:00", False),
        ({"since": "06:00", "until": "06:00", "days": ["fri"]}, f"{SATURDAY}T05:00", True),
        ({"since": "06:00", "until": "06:00", "days": ["fri"]}, f"{FRIDAY}T05:00", False),
    ],
)
def test_hours_hold_within_their_part_of_the_week(hours: dict[str, Any], moment: str, expected: bool) -> None:
    assert HoursSettings.model_validate(hours).hold(datetime.fromisoformat(moment)) is expected


def test_hours_follow_the_clock_of_the_site_over_summer_time() -> None:
    hours = HoursSettings.model_validate({"since": "08:00", "until": "18:00"})
    berlin = ZoneInfo("Europe/Berlin")

    winter, summer = datetime(2026, 3, 28, 6, 30, tzinfo=UTC), datetime(2026, 3, 30, 6, 30, tzinfo=UTC)

    assert not hours.hold(winter.astimezone(berlin))
    assert hours.hold(summer.astimezone(berlin))


@pytest.mark.parametrize(
    "hours", ["since: 18:00", "until: 8:00", "until: '18:00+09:00'", "since: 18", "until: '24:00'"]
)
def test_a_time_that_yaml_or_a_person_did_not_write_as_one_is_refused(hours: str) -> None:
    with pytest.raises(ValueError, match="write it in quotes"):
        HoursSettings.model_validate(yaml.safe_load(hours))
