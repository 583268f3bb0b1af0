"""Subjects: who is who from frame to frame, although the tracker may change its numbers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import hypot

from cluster.safety.geometry import box_area, center, iou
from cluster.safety.objects import PERSON, is_a
from cluster.safety.observed_time import EPSILON_S
from cluster.safety.tracks import Box, Track

SAME_PLACE_IOU = 0.3
"""Overlap from which a new track is taken for somebody who was away for longer than the grace."""

_LARGEST_AREA_RATIO = 4.0


def kind_of(label: str) -> str:
    """What stays the same when a label flips: who fell is still a person."""
    return PERSON if is_a(label, PERSON) else label


@dataclass(slots=True, eq=False)
class Subject:
    """Somebody or something in the picture. `track_id` is the number of this moment; the object itself is the identity.

    `unseen_s` and `unseen_looks` are the observed time and the looks since the tracker last showed it, 0 while seen.
    """

    track_id: int
    label: str
    box: Box
    is_seen: bool = True
    unseen_s: float = 0.0
    unseen_looks: int = 0

    @property
    def kind(self) -> str:
        return kind_of(self.label)

    def show(self, track: Track) -> None:
        self.track_id, self.label, self.box = track.track_id, track.label, track.box
        self.is_seen, self.unseen_s, self.unseen_looks = True, 0.0, 0


class Subjects:
    """All subjects of one camera.

    A track keeps its subject for as long as the tracker shows it. A new track takes over the subject of
    one that vanished, of the same kind, if it appears near it within `grace_s` of observed time, or
    on the very same place within `memory_s`; the nearest pairs first, each at most once, so that two who
    cross stay two. Who is forgotten after `memory_s` comes back as somebody new.
    """

    def __init__(self, grace_s: float, memory_s: float) -> None:
        self.grace_s = grace_s
        self.memory_s = memory_s
        self._by_track: dict[int, Subject] = {}

    def observe(self, tracks: Sequence[Track], observed_s: float) -> list[Subject]:
        """The subjects of `tracks`, in their order; everybody else is unseen for `observed_s` longer."""
        shown = {track.track_id for track in tracks}
        self._age(shown, observed_s)
        newcomers = [track for track in tracks if track.track_id not in self._by_track]
        self._rebind(newcomers)
        for track in tracks:
            self._show(track)
        self._forget()
        return [self._by_track[track_id] for track_id in dict.fromkeys(track.track_id for track in tracks)]

    def break_off(self) -> None:
        """The camera was blind: nobody was observed to be away."""
        for subject in self._by_track.values():
            subject.is_seen, subject.unseen_s, subject.unseen_looks = False, 0.0, 0

    def _age(self, shown: set[int], observed_s: float) -> None:
        for track_id, subject in self._by_track.items():
            subject.is_seen = track_id in shown
            if not subject.is_seen:
                subject.unseen_s += observed_s
                subject.unseen_looks += 1

    def _show(self, track: Track) -> None:
        subject = self._by_track.get(track.track_id)
        if subject is None:
            self._by_track[track.track_id] = Subject(track.track_id, track.label, track.box)
        else:
            subject.show(track)

    def _rebind(self, newcomers: Iterable[Track]) -> None:
        unseen = [subject for subject in self._by_track.values() if not subject.is_seen]
        if not unseen:
            return
        pairs = [
            (gap, number, subject, track)
            for track in newcomers
            for number, subject in enumerate(unseen)
            if (gap := self._distance(subject, track)) is not None
        ]
        for _, _, subject, track in sorted(pairs, key=lambda pair: pair[:2]):
            if not subject.is_seen and track.track_id not in self._by_track:
                del self._by_track[subject.track_id]
                self._by_track[track.track_id] = subject
                subject.show(track)

    def _distance(self, subject: Subject, track: Track) -> float | None:
        """How far apart in box sizes, or None if `track` cannot be `subject`."""
        if subject.kind != kind_of(track.label) or not similar_size(subject.box, track.box):
            return None
        distance = box_distance(subject.box, track.box)
        if subject.unseen_s > self.grace_s + EPSILON_S:
            return distance if iou(subject.box, track.box) >= SAME_PLACE_IOU else None
        reach = min(1.5, 0.5 + 0.5 * subject.unseen_s)
        return distance if distance <= reach or iou(subject.box, track.box) >= SAME_PLACE_IOU else None

    def _forget(self) -> None:
        """A single look, however long its interval, makes nobody forgotten."""
        limit = self.memory_s + EPSILON_S
        over = [key for key, one in self._by_track.items() if one.unseen_s > limit and one.unseen_looks > 2]
        for key in over:
            del self._by_track[key]


def box_distance(a: Box, b: Box) -> float:
    """Distance of the centres in box sizes: 1 is two widths to the side, or one height up or down.

    Boxes are normalised by a wide picture and people are narrow, hence two widths for one height.
    """
    (ax, ay), (bx, by) = center(a), center(b)
    width = max(a[2] - a[0], b[2] - b[0], 1e-6)
    height = max(a[3] - a[1], b[3] - b[1], 1e-6)
    return hypot((ax - bx) / (2 * width), (ay - by) / height)


def similar_size(a: Box, b: Box) -> bool:
    """Whether one object may have had both boxes: somebody far away does not become somebody near."""
    small, large = sorted((box_area(a), box_area(b)))
    return large <= _LARGEST_AREA_RATIO * small + 1e-9


def stand_in(name: str, box: Box | None) -> Subject:
    """A subject that only a saved episode knows (`person:7`), never seen by this process."""
    kind = name.partition(":")[0]
    return Subject(-1, kind, box or (0.0, 0.0, 1.0, 1.0), is_seen=False)
