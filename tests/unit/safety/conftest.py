"""A stage on which people of one camera move: scripted observations, and what the rules tell about them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from cluster.safety.events import EpisodeState, SafetyEvent
from cluster.safety.tracks import Observation, Track
from cluster.safety.zone_rules import CameraRules
from cluster.safety.zones import Zone

START = datetime(2026, 1, 1, tzinfo=UTC)
LOOK_S = 0.2


def person(track_id: int, x: float, label: str = "person", y: float = 0.8, height: float = 0.4) -> Track:
    """Somebody whose feet stand at (x, y)."""
    return Track(track_id, label, 0.9, (x - height / 8, y - height, x + height / 8, y))


@dataclass
class Stage:
    """Drives one `CameraRules` at 5 looks a second. `told` collects every revision in order."""

    rules: CameraRules
    epoch: int = 1
    now_s: float = 1000.0
    sequence: int = 0
    told: list[SafetyEvent] = field(default_factory=list)

    @property
    def wall(self) -> datetime:
        return START + timedelta(seconds=self.now_s)

    def look(self, *tracks: Track, after_s: float = LOOK_S) -> list[SafetyEvent]:
        self.now_s = round(self.now_s + after_s, 6)
        self.sequence += 1
        seen = Observation("cam", self.epoch, self.sequence, self.wall, self.now_s, tracks, "digest")
        events = self.rules.observe(seen)
        self.told += events
        return events

    def looks(self, seconds: float, *tracks: Track, every_s: float = LOOK_S) -> list[SafetyEvent]:
        """The same tracks for so long."""
        return [event for _ in range(round(seconds / every_s)) for event in self.look(*tracks, after_s=every_s)]

    def apply(self, *zones: Zone, fallen: bool = True) -> list[SafetyEvent]:
        events = self.rules.apply(zones, fallen, self.wall, self.now_s)
        self.told += events
        return events

    def blind(self, seconds: float = 0.0) -> None:
        self.rules.blind(self.wall, self.now_s)
        self.now_s += seconds

    def restart(self, *zones: Zone, **options: object) -> None:
        """The actor dies; another one takes over with the next epoch, a new clock and new track ids."""
        saved = [type(one).from_dict(one.to_dict()) for one in self.rules.open_episodes()]
        self.epoch, self.sequence = self.epoch + 1, 0
        self.rules = CameraRules("cam", self.epoch, zones, **options)  # type: ignore[arg-type]
        self.rules.resume(saved, self.wall, self.now_s)

    def types(self) -> list[str]:
        return [event.event_type for event in self.told]

    def of(self, event_type: str) -> list[SafetyEvent]:
        return [event for event in self.told if event.event_type == event_type]


def steps(events: Iterable[SafetyEvent]) -> list[tuple[str, str, int]]:
    """(subject, state, revision) of each."""
    return [(event.subject, event.state.value, event.revision) for event in events]


def open_now(events: Iterable[SafetyEvent]) -> dict[str, SafetyEvent]:
    """The last revision of each event that is not closed."""
    last = {event.event_id: event for event in events}
    return {event_id: event for event_id, event in last.items() if event.state is not EpisodeState.CLOSED}


@pytest.fixture
def stage() -> Callable[..., Stage]:
    def build(*zones: Zone, **options: object) -> Stage:
        return Stage(CameraRules("cam", 1, zones, **options))  # type: ignore[arg-type]

    return build


@pytest.fixture
def make_person() -> Callable[..., Track]:
    return person


@pytest.fixture
def zone() -> Callable[..., Zone]:
    """A zone over the middle of the picture, x from 0.3 to 0.7 and the lower half."""

    def build(zone_id: str = "z", left: float = 0.3, right: float = 0.7, **values: object) -> Zone:
        polygon = ((left, 0.5), (right, 0.5), (right, 1.0), (left, 1.0))
        return Zone(zone_id, polygon, **values)  # type: ignore[arg-type]

    return build


@pytest.fixture
def steps_of() -> Callable[[Sequence[SafetyEvent]], list[tuple[str, str, int]]]:
    return steps


@pytest.fixture
def open_events() -> Callable[[Iterable[SafetyEvent]], Mapping[str, SafetyEvent]]:
    return open_now
