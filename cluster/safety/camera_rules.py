"""Episodes about the camera itself: blind, or seeing without being looked at."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cluster.safety.episodes import (
    NOT_WATCHED,
    RULE_OFF,
    Episode,
    EpisodeBook,
    Moment,
    SavedEpisode,
    newest_revisions,
    save,
)
from cluster.safety.events import EventType, SafetyEvent, Severity
from cluster.safety.frames import correlation_id
from cluster.safety.left_open import doubles
from cluster.safety.status import CameraStatus

SUBJECT = "picture"

FLAP_S = 30.0
"""A camera that fails again so soon after it recovered continues its episode: one that flaps makes one event."""

UNMONITORED = EventType.CAMERA_UNMONITORED.value
DEGRADED = EventType.CAMERA_DEGRADED.value

_FAULT = {CameraStatus.UNMONITORED: UNMONITORED, CameraStatus.DEGRADED: DEGRADED}


class CameraHealthRules:
    """CAMERA_UNMONITORED and CAMERA_DEGRADED of one camera.

    The status has its own hysteresis, so an episode opens and closes with it at once; it need not be called
    while nothing changes, and may be. CONNECTING proves nothing and changes nothing: what is open stays
    open until the camera is seen to work, or is DISABLED. Only cameras with a danger zone are told as degraded.
    `has_danger_zone` may be set at any time and holds from the next call on. `subject` says what failed: the
    picture, or, in the words of the supervisor, the process of the camera.
    """

    def __init__(self, camera_id: str, epoch: int, has_danger_zone: bool, *, subject: str = SUBJECT) -> None:
        self.has_danger_zone = has_danger_zone
        self._subject = subject
        self._book = EpisodeBook(camera_id, epoch)
        self._started_by = correlation_id(camera_id, epoch, 0)
        self._episodes: dict[str, Episode] = {}

    def observe(
        self, status: CameraStatus, reason: str, now_wall: datetime, now_s: float, correlation_id: str
    ) -> list[SafetyEvent]:
        """The revisions that `status` makes true; `reason` is its one redacted line."""
        moment = Moment(now_wall, now_s, correlation_id)
        detail = {"status": status.value, "status_reason": reason}
        if status is not CameraStatus.CONNECTING:
            fault = self._fault(status)
            for event_type in [UNMONITORED, DEGRADED]:
                if event_type != fault:
                    self._close(event_type, status, moment, detail)
            if fault:
                self._open(fault, moment, detail)
        return self._book.drain()

    def open_episodes(self) -> list[SavedEpisode]:
        """What another process has to take up if this one dies."""
        return [save(one, one.opened_at, one.opened_at, 0.0, None) for one in self._episodes.values() if one.is_open]

    def resume(self, saved: Sequence[SavedEpisode], now_wall: datetime, now_s: float) -> None:
        """Take up what an earlier process left open; the next status continues or closes it."""
        episodes = [one for one in newest_revisions(saved) if one.event_type in (UNMONITORED, DEGRADED)]
        for one in (over := doubles(episodes)):
            self._book.give_up(one, Moment(now_wall, now_s, self._started_by), NOT_WATCHED)
        self._episodes |= {one.event_type: self._book.restore(one) for one in episodes if one not in over}

    def _fault(self, status: CameraStatus) -> str:
        fault = _FAULT.get(status, "")
        return "" if fault == DEGRADED and not self.has_danger_zone else fault

    def _open(self, event_type: str, moment: Moment, detail: dict[str, Any]) -> None:
        episode = self._episodes.get(event_type)
        is_critical = event_type == UNMONITORED and self.has_danger_zone
        severity = Severity.CRITICAL if is_critical else Severity.WARNING
        if episode is None or (not episode.is_open and self._is_another(episode, severity, moment)):
            self._episodes[event_type] = self._book.open("", event_type, self._subject, severity, moment, detail)
        elif not episode.is_open:
            self._book.reopen(episode, moment, detail)
        else:
            self._book.take_up(episode, moment, detail)
            if severity.rank > episode.severity.rank:
                self._book.escalate(episode, severity, moment, detail)

    def _is_another(self, episode: Episode, severity: Severity, moment: Moment) -> bool:
        return moment.now_s - episode.closed_s > FLAP_S or severity is not episode.severity

    def _close(self, event_type: str, status: CameraStatus, moment: Moment, detail: dict[str, Any]) -> None:
        episode = self._episodes.get(event_type)
        if episode is not None and episode.is_open:
            is_off = status is CameraStatus.DEGRADED and event_type == DEGRADED
            self._book.close(episode, moment, detail, RULE_OFF if is_off else f"camera is {status.value}")
