"""A person who lies on the ground, anywhere in the picture."""

from cluster.safety.episodes import EpisodeBook, Moment, SavedEpisode
from cluster.safety.events import EventType, Severity
from cluster.safety.looks import Look
from cluster.safety.objects import FALLEN_PERSON
from cluster.safety.presence import LEFT, Patience
from cluster.safety.presences import Presences
from cluster.safety.stay import close_all, ensure_open, restored, saved_episodes, take_up

FALLEN_PATIENCE = Patience(enter_s=1.0, exit_s=2.0, gap_grace_s=5.0, cooldown_s=10.0)
"""Lying is told after a second, so that one wrong frame is nothing; who lies is easily lost by a detector that
was taught on people who stand, hence the long grace."""

STOOD_UP = "stood up"


class Fallen:
    """The PERSON_FALLEN rule of one camera.

    Lying takes the place of being inside: a label that flips between person and fallen_person flickers like
    somebody at the edge of a zone. Its events belong to no zone (`zone_id` ""), because who lies needs help
    wherever it is; in a danger zone the intrusion is told as well.
    """

    def __init__(self, book: EpisodeBook) -> None:
        self._book = book
        self._presences = Presences(FALLEN_PATIENCE)

    def observe(self, look: Look) -> None:
        lying = [subject for subject in look.subjects if subject.label == FALLEN_PERSON]
        for presence in self._presences.observe(lying, look):
            if presence.reason == LEFT:
                presence.reason = STOOD_UP
            close_all(self._book, presence, None, look.moment)
        for presence in self._presences.inside_now():
            take_up(self._book, presence, None, look.moment)
            ensure_open(self._book, presence, None, EventType.PERSON_FALLEN.value, Severity.CRITICAL, look.moment)

    def close(self, moment: Moment, reason: str) -> None:
        for presence in self._presences.present():
            close_all(self._book, presence, None, moment, reason)
        self._presences.clear()

    def break_off(self, now_s: float) -> None:
        self._presences.break_off(now_s)

    def open_episodes(self) -> list[SavedEpisode]:
        return [one for presence in self._presences.everyone() for one in saved_episodes(presence)]

    def resume(self, saved: SavedEpisode) -> None:
        self._presences.restore(restored(saved.subject, [saved], self._book))
