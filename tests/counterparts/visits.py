"""Somebody comes to the zones of a simulated site and leaves: what must be told of it, whatever dies meanwhile."""

from datetime import UTC, datetime

from counterparts.simulated_site import AT_THE_BELT, AT_THE_PRESS, SimulatedSite, Told, walk
from counterparts.waiting import wait_for

Story = dict[str, list[tuple[str, str, str]]]
"""Type, severity and state of the events of each zone, in the order in which they opened."""

OPENED = {
    ("press", "DANGER_ZONE_INTRUSION", "CRITICAL"),
    ("press", "ZONE_DWELL", "WARNING"),
    ("belt", "WARNING_ZONE_INTRUSION", "CRITICAL"),
}
UNDISTURBED: Story = {
    "press": [("DANGER_ZONE_INTRUSION", "CRITICAL", "closed"), ("ZONE_DWELL", "WARNING", "closed")],
    "belt": [
        ("PERSON_ENTRANCE", "INFO", "closed"),
        ("WARNING_ZONE_INTRUSION", "CRITICAL", "closed"),
        ("PERSON_EXIT", "INFO", "closed"),
    ],
}
"""What one visit is; a test proves that it is just this where nothing dies."""


class Visit:
    """Somebody comes to both zones of every camera and leaves again."""

    def __init__(self, site: SimulatedSite) -> None:
        self._site = site
        self._since = datetime.now(UTC)

    def come(self) -> None:
        """Returns when everything is told that staying causes."""
        self.arrive()
        wait_for("every episode opens", lambda: all(self._has_opened(name) for name in self._site.camera_ids))

    def arrive(self) -> None:
        """Returns at once."""
        walk(self._site, AT_THE_PRESS, AT_THE_BELT)

    def leave(self) -> None:
        """Returns when everything is told that leaving causes, and nothing is left to be told."""
        walk(self._site)
        wait_for("every episode ends", lambda: all(self._is_over(name) for name in self._site.camera_ids))
        self._site.wait_until_watched()
        wait_for("every outbox is empty", self._all_sent)

    def events(self, camera_id: str) -> list[Told]:
        return list(self._site.told(self._since, camera_id))

    def open_ids(self, camera_id: str) -> set[str]:
        return {event.event_id for event in self.events(camera_id) if event.state != "closed"}

    def revised(self, event_ids: set[str]) -> bool:
        """Whether all of them were told anew by a later owner than the one that opened them."""
        events = [event for event in self._site.events(self._since) if event.event_id in event_ids]
        return all(event.detail.get("resumed") for event in events)

    def of_the_cameras(self) -> list[Told]:
        return [event for event in self._site.events(self._since) if event.of_the_camera]

    def told(self) -> dict[str, Story]:
        """By camera and zone, in the order of opening; what opened with one frame in the order of its names."""
        found: dict[str, Story] = {name: {} for name in self._site.camera_ids}
        for name, zones in found.items():
            for event in sorted(self.events(name), key=lambda event: (event.opened_at, event.event_type)):
                zones.setdefault(event.zone_id, []).append((event.event_type, event.severity, event.state))
        return found

    def _has_opened(self, camera_id: str) -> bool:
        is_open = [event for event in self.events(camera_id) if event.state != "closed"]
        return {(event.zone_id, event.event_type, event.severity) for event in is_open} >= OPENED

    def _is_over(self, camera_id: str) -> bool:
        events = self.events(camera_id)
        return "PERSON_EXIT" in {event.event_type for event in events} and not self.open_ids(camera_id)

    def _all_sent(self) -> bool:
        reports = self._site.reports()
        return bool(reports) and all(report.outbox_events == 0 for report in reports.values())
