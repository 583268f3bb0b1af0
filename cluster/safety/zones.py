"""Zones: polygons of the picture in which something is dangerous, required or counted."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from cluster.safety.geometry import Point, Polygon, bottom_center, center, contains, polygon_fault
from cluster.safety.objects import OBJECT_NAMES, PERSON, PROTECTIVE_EQUIPMENT, can_find
from cluster.safety.tracks import Box


class ZoneKind(StrEnum):
    DANGER = "danger"
    WARNING = "warning"


class Anchor(StrEnum):
    """The point of a box that must lie in the zone."""

    BOTTOM_CENTER = "bottom_center"
    CENTER = "center"

    def of(self, box: Box) -> Point:
        return bottom_center(box) if self is Anchor.BOTTOM_CENTER else center(box)


@dataclass(frozen=True, slots=True)
class Zone:
    """One zone of one camera. Checks itself; pydantic takes it as it stands, unknown keys refused.

    polygon: at least 3 points (x, y) in 0..1 of the picture, not crossing itself.
    objects: whose presence is an intrusion.  enter_debounce_s: how long somebody must be inside before it
    counts, exit_debounce_s: outside before the episode ends.  gap_grace_s: how long a vanished track is
    still taken to be there.  cooldown_s: after the end, how long the same subject opens nothing new.
    escalate_after_s: when a WARNING intrusion becomes CRITICAL.  dwell_s: when staying is an event; None: never.
    entrances: tell who enters and leaves.  require: equipment that each person inside must wear.
    must_contain: objects that must be there.  missing_after_s: how long equipment or an object may be unseen.
    """

    zone_id: str
    polygon: Polygon
    kind: ZoneKind = ZoneKind.DANGER
    name: str = ""
    objects: tuple[str, ...] = (PERSON,)
    anchor: Anchor = Anchor.BOTTOM_CENTER
    enter_debounce_s: float = 0.4
    exit_debounce_s: float = 1.0
    gap_grace_s: float = 2.0
    cooldown_s: float = 5.0
    escalate_after_s: float = 20.0
    dwell_s: float | None = None
    entrances: bool = False
    require: tuple[str, ...] = ()
    must_contain: tuple[str, ...] = ()
    missing_after_s: float = 3.0

    # Read by pydantic, which this package must not import.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        if fault := polygon_fault(self.polygon):
            raise ValueError(f"polygon: {fault}")
        self._check_names("objects", self.objects, OBJECT_NAMES)
        self._check_names("must_contain", self.must_contain, OBJECT_NAMES)
        self._check_names("require", self.require, PROTECTIVE_EQUIPMENT)
        for key in (
            "enter_debounce_s",
            "exit_debounce_s",
            "gap_grace_s",
            "cooldown_s",
            "escalate_after_s",
            "missing_after_s",
        ):
            self._check_seconds(key, getattr(self, key))
        if self.dwell_s is not None:
            self._check_seconds("dwell_s", self.dwell_s)

    def unjudged(self, knows: frozenset[str]) -> frozenset[str]:
        """Objects that the rules of this zone are about and that a model which finds `knows` cannot find."""
        asked = {*self.objects, *self.require, *self.must_contain}
        return frozenset(name for name in asked if not can_find(name, knows))

    def contains(self, box: Box) -> bool:
        """Whether the anchor of `box` lies inside."""
        return contains(self.polygon, self.anchor.of(box))

    @property
    def bounds(self) -> Box:
        """Left, top, right and bottom of the polygon."""
        xs, ys = zip(*self.polygon, strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    @staticmethod
    def _check_names(key: str, names: tuple[str, ...], known: frozenset[str]) -> None:
        for name in names:
            if name not in known:
                raise ValueError(f"{key}: unknown object {name!r}, known are {', '.join(sorted(known))}")

    @staticmethod
    def _check_seconds(key: str, seconds: float) -> None:
        if not 0.0 <= seconds <= 86_400.0:
            raise ValueError(f"{key}: {seconds:g} is not within 0..86400 seconds")
