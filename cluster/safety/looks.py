"""One look: an observation with what the rules of a camera share about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cluster.safety.episodes import Moment
from cluster.safety.events import SeenObject
from cluster.safety.subjects import Subject
from cluster.safety.tracks import Observation, Track


@dataclass(frozen=True, slots=True)
class Look:
    """A looked-at frame.

    `observed_s` is the observed time since the look before, None if it was not observed. `subjects` are
    those that are seen now. `worn` has the equipment of each person that wears any, by track id.
    """

    moment: Moment
    observed_s: float | None
    tracks: tuple[Track, ...]
    subjects: tuple[Subject, ...]
    worn: Mapping[int, frozenset[str]] = field(default_factory=dict)

    @property
    def now_s(self) -> float:
        return self.moment.now_s

    @property
    def credit_s(self) -> float:
        """Observed seconds, 0 for a time that was not observed."""
        return self.observed_s or 0.0

    @property
    def follows_gap(self) -> bool:
        return self.observed_s is None


def moment_of(observation: Observation) -> Moment:
    """What a revision takes from the frame that caused it: all objects of the frame, its ids and its wall time."""
    objects = tuple(
        SeenObject(track.label, track.confidence, track.box, track.track_id) for track in observation.tracks
    )
    return Moment(
        observation.captured_at, observation.captured_s, observation.correlation_id, observation.model_digest, objects
    )
