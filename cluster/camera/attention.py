"""Whether what was seen lately asks for every frame, although nothing moves in the picture."""

import math
from collections.abc import Iterable

from cluster.safety.fallen import FALLEN_PATIENCE
from cluster.safety.geometry import center
from cluster.safety.objects import FALLEN_PERSON, PERSON, is_a
from cluster.safety.tracks import Box, Observation, Track
from cluster.safety.zones import Zone
from cluster.settings.cameras import CameraSettings

_SHORTEST_S, _LONGEST_S = 2.0, 30.0
_MARGIN_S = 1.0
_NEAR = 0.5  # box sizes around a box in which a zone is near
_MOVED = 0.1  # box sizes that a box moves before it counts; a detector's own tremble is a tenth of that


class Attention:
    """Keeps a camera looking at full rate while its rules may be counting. Belongs to one thread.

    They may be while somebody is in or near a zone that asks for him, lies on the ground, moves, has just come
    into the picture, or has just not been found any more: a gap of the detector must be made good at the
    rate at which the rules' grace was meant. It lasts for as long as the slowest of these rules counts.
    """

    def __init__(self, camera: CameraSettings) -> None:
        self._busy_until_s = -math.inf
        self._places: dict[int, Box] = {}
        self.apply(camera)

    def apply(self, camera: CameraSettings) -> None:
        """From the next observation on."""
        self._zones = [(zone, zone.bounds) for zone in camera.zones]
        self._fallen = camera.fallen
        self._lasts_s = min(_LONGEST_S, max([_SHORTEST_S, *map(_counts_for_s, camera.zones)]) + _MARGIN_S)

    def observed(self, observation: Observation) -> None:
        """What the detector found in the last frame."""
        now_s, tracks = observation.captured_s, observation.tracks
        if any(self._is_lying(track) for track in tracks):
            self._busy_until_s = max(self._busy_until_s, now_s + FALLEN_PATIENCE.gap_grace_s + _MARGIN_S)
        # All of it, because the places are remembered on the way.
        if self._something_moved(tracks) or any(self._is_near_a_zone(track) for track in tracks):
            self._busy_until_s = max(self._busy_until_s, now_s + self._lasts_s)

    def is_busy(self, now_s: float) -> bool:
        """Whether every frame should be looked at, at `now_s` of the clock that frames carry."""
        return now_s <= self._busy_until_s

    def _something_moved(self, tracks: Iterable[Track]) -> bool:
        places = {track.track_id: track.box for track in tracks}
        came_or_went = places.keys() != self._places.keys()
        moved = {key for key, box in places.items() if key in self._places and _moved(self._places[key], box)}
        # Measured from where it last stood, so that creeping adds up.
        self._places = {
            key: box if key in moved or key not in self._places else self._places[key] for key, box in places.items()
        }
        return came_or_went or bool(moved)

    def _is_lying(self, track: Track) -> bool:
        return self._fallen and track.label == FALLEN_PERSON

    def _is_near_a_zone(self, track: Track) -> bool:
        return any(_asks_for(zone, track.label) and _is_near(bounds, track.box) for zone, bounds in self._zones)


def _counts_for_s(zone: Zone) -> float:
    missing_after_s = zone.missing_after_s if zone.require or zone.must_contain else 0.0
    return max(zone.enter_debounce_s, zone.exit_debounce_s, zone.gap_grace_s, missing_after_s)


def _asks_for(zone: Zone, label: str) -> bool:
    people = (PERSON,) if zone.entrances or zone.require else ()
    return any(is_a(label, wanted) for wanted in (*zone.objects, *people))


def _is_near(bounds: Box, box: Box) -> bool:
    across, down = _NEAR * (box[2] - box[0]), _NEAR * (box[3] - box[1])
    beside = box[2] + across < bounds[0] or box[0] - across > bounds[2]
    return not (beside or box[3] + down < bounds[1] or box[1] - down > bounds[3])


def _moved(before: Box, after: Box) -> bool:
    (x, y), (to_x, to_y) = center(before), center(after)
    width, height = max(before[2] - before[0], 1e-6), max(before[3] - before[1], 1e-6)
    grown = abs((after[3] - after[1]) - height) > _MOVED * height
    return grown or abs(to_x - x) > _MOVED * width or abs(to_y - y) > _MOVED * height
