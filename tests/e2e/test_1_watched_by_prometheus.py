"""Prometheus begins to look at the site, and does so while cameras, databases and processes fail in the next files.

What it needs a minute for is there when the dashboards are asked for it in test_4_dashboards.
"""

from counterparts.alarm_system import AlarmSystem
from counterparts.waiting import wait_for


def test_everything_that_prometheus_scrapes_answers_it(alarms: AlarmSystem) -> None:
    wait_for("every scrape", lambda: set(alarms.targets().values()) == {"up"}, instead=alarms.targets)

    assert set(alarms.targets()) >= {"safe-yolo", "ray", "health"}
