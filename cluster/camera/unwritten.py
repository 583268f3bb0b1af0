"""Events that the disk refused: they live in this process only, and are sent all the same."""

from collections.abc import Iterable, Sequence

from cluster.safety.events import SafetyEvent, Severity

_Key = tuple[str, int]
_MOST = 1000


class Unwritten:
    """At most `_MOST` revisions, in order; CRITICAL ones go last. Under the lock of its outbox.

    It also remembers which of them were recorded from here, so that a caller who offers them again,
    as it should while they are not on disk, does not have them sent again.
    """

    def __init__(self) -> None:
        self._held: dict[_Key, SafetyEvent] = {}
        self._recorded: dict[_Key, None] = {}

    def __len__(self) -> int:
        return len(self._held)

    @property
    def events(self) -> tuple[SafetyEvent, ...]:
        return tuple(self._held.values())

    def with_these(self, events: Sequence[SafetyEvent]) -> tuple[SafetyEvent, ...]:
        """What waits here and then `events`, each revision once, without those recorded from here."""
        merged = {**self._held, **{_key(event): event for event in events}}
        return tuple(event for key, event in merged.items() if key not in self._recorded)

    def hold(self, events: Iterable[SafetyEvent]) -> list[SafetyEvent]:
        """Keeps exactly `events`, and returns those that are too many."""
        self._held = {_key(event): event for event in events}
        expendable = sorted(self._held, key=lambda key: self._held[key].severity is Severity.CRITICAL)
        return [self._held.pop(key) for key in expendable[: max(0, len(self._held) - _MOST)]]

    def recorded(self, events: Iterable[SafetyEvent]) -> None:
        for event in events:
            if self._held.pop(_key(event), None) is not None:
                self._recorded[_key(event)] = None
        while len(self._recorded) > 2 * _MOST:
            del self._recorded[next(iter(self._recorded))]

    def written(self) -> None:
        """All of them are on disk now."""
        self._held.clear()
        self._recorded.clear()


def _key(event: SafetyEvent) -> _Key:
    return event.event_id, event.revision
