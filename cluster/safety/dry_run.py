"""What a zone would have told about what was seen already."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cluster.safety.events import SafetyEvent, Severity
from cluster.safety.observed_time import ObservedTime
from cluster.safety.tracks import Observation
from cluster.safety.zone_rules import CameraRules
from cluster.safety.zones import Zone

MOST_EVENTS = 200
"""So many are described; all are counted."""


@dataclass(frozen=True, slots=True)
class DryEvent:
    """An event that nobody is told of; `severity` is the highest that it came to, `closed_at` None: it would be open
    now."""

    event_type: str
    severity: Severity
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class DryRun:
    """`events`: the newest `MOST_EVENTS`, oldest first. `counts`: how many of each type. `watched_s`: seconds of
    observed time that were looked through."""

    events: tuple[DryEvent, ...]
    counts: Mapping[str, int]
    watched_s: float


def dry_run(zone: Zone, observations: Iterable[Observation]) -> DryRun:
    """The rules of `zone`, from a clean start, over the looked-at frames of one camera, oldest first."""
    rules, time, watched_s = CameraRules("dry-run", 1, (zone,), fallen=False), ObservedTime(), 0.0
    last: dict[str, SafetyEvent] = {}
    for observation in observations:
        watched_s += time.look(observation.captured_s) or 0.0
        rules.know(observation.knows)
        last.update((event.event_id, event) for event in rules.observe(observation))
    told = [DryEvent(one.event_type, one.severity, one.opened_at, one.closed_at) for one in last.values()]
    return DryRun(tuple(told[-MOST_EVENTS:]), Counter(one.event_type for one in told), round(watched_s, 1))
