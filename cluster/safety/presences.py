"""All stays in one place: who is new, who goes on, who is gone."""

from collections.abc import Iterable, Iterator, Sequence

from cluster.safety.looks import Look
from cluster.safety.presence import Patience, Phase, Presence, Where
from cluster.safety.subjects import Subject, box_distance


class Presences:
    """The stays of all subjects in one place, whatever the place is; the caller says who is inside.

    A stay that has ended continues if its subject is inside again within the cooldown. After time that
    nobody watched, a stay whose subject does not show is continued by whoever of its kind is inside and
    has no stay of his own; the nearest first.
    """

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self._by_subject: dict[Subject, Presence] = {}

    def observe(self, inside: Sequence[Subject], look: Look) -> list[Presence]:
        """One look with `inside`; returns the stays that it ended."""
        self._drop_expired(look.now_s)
        if look.follows_gap:
            for presence in self._by_subject.values():
                presence.drift()
        here = set(inside)
        self._adopt_adrift(inside)
        self._chain_pending(inside)
        present = list(self.present())
        for subject, presence in self._by_subject.items():
            self._observe_one(presence, where_is(subject, here), look)
        for subject in inside:
            if subject not in self._by_subject:
                self._begin(subject, look)
        return [presence for presence in present if presence.phase is Phase.GONE]

    def present(self) -> Iterator[Presence]:
        """Stays that are told and go on."""
        return (presence for presence in self._by_subject.values() if presence.phase is Phase.PRESENT)

    def inside_now(self) -> Iterator[Presence]:
        """Those of `present` whose subject was seen inside in the last look."""
        return (presence for presence in self.present() if presence.where is Where.INSIDE)

    def seen_inside(self) -> Iterator[Presence]:
        """Every stay, told or not, whose subject was seen inside in the last look."""
        return (presence for presence in self._by_subject.values() if presence.where is Where.INSIDE)

    def everyone(self) -> Iterator[Presence]:
        return iter(self._by_subject.values())

    def restore(self, presence: Presence) -> None:
        """Take up a stay of an earlier process: told, and its subject not seen yet."""
        self._by_subject[presence.subject] = presence

    def break_off(self, now_s: float) -> None:
        """The camera was blind."""
        for presence in self._by_subject.values():
            presence.break_off(now_s)
        self._drop_expired(now_s)

    def clear(self) -> None:
        self._by_subject.clear()

    def _observe_one(self, presence: Presence, where: Where, look: Look) -> None:
        if presence.phase is not Phase.GONE:
            presence.observe(where, look, self.patience)
        elif where is Where.INSIDE:
            presence.begin_again(look)
        else:
            presence.where = where
        self._confirm(presence)

    def _begin(self, subject: Subject, look: Look) -> None:
        presence = Presence(subject, since=look.moment.wall, last_inside_at=look.moment.wall)
        self._by_subject[subject] = presence
        self._confirm(presence)

    def _confirm(self, presence: Presence) -> None:
        if presence.phase is Phase.PENDING and presence.where is Where.INSIDE and presence.confirmed_by(self.patience):
            presence.phase = Phase.PRESENT
        if presence.phase is Phase.PRESENT and not presence.name:
            presence.name = self._free_name(presence.subject)

    def _free_name(self, subject: Subject) -> str:
        taken = {presence.name for presence in self._by_subject.values()}
        name = wanted = f"{subject.kind}:{subject.track_id}"
        number = 2
        while name in taken:
            name, number = f"{wanted}#{number}", number + 1
        return name

    def _adopt_adrift(self, inside: Sequence[Subject]) -> None:
        orphans = [one for one in self.present() if one.adrift and not one.subject.is_seen]
        if orphans:
            self._match(orphans, [subject for subject in inside if self._is_free(subject)])

    def _chain_pending(self, inside: Sequence[Subject]) -> None:
        """Somebody who runs may get a new number, far from the last, at every look of a slow detector.

        So a stay that is still pending goes on with a newcomer who is inside when its subject, inside at the
        look before, is not there any more: the place was not empty in between.
        """
        stays = self._by_subject.values()
        orphans = [
            one
            for one in stays
            if one.phase is Phase.PENDING and one.where is Where.INSIDE and not one.subject.is_seen and not one.was_told
        ]
        if orphans:
            self._match(orphans, [subject for subject in inside if subject not in self._by_subject])

    def _match(self, orphans: Sequence[Presence], takers: Sequence[Subject]) -> None:
        pairs = sorted(
            (box_distance(orphan.subject.box, taker.box), first, second)
            for first, orphan in enumerate(orphans)
            for second, taker in enumerate(takers)
            if orphan.subject.kind == taker.kind
        )
        for first, second in _each_once((first, second) for _, first, second in pairs):
            self._hand_over(orphans[first], takers[second])

    def _is_free(self, subject: Subject) -> bool:
        own = self._by_subject.get(subject)
        return own is None or (own.phase is Phase.PENDING and not own.was_told)

    def _hand_over(self, presence: Presence, subject: Subject) -> None:
        del self._by_subject[presence.subject]
        presence.subject = subject
        self._by_subject[subject] = presence

    def _drop_expired(self, now_s: float) -> None:
        over = [
            subject
            for subject, presence in self._by_subject.items()
            if presence.phase is Phase.GONE
            and (not presence.was_told or now_s - presence.gone_s > self.patience.cooldown_s)
        ]
        for subject in over:
            del self._by_subject[subject]


def where_is(subject: Subject, inside: set[Subject]) -> Where:
    if subject in inside:
        return Where.INSIDE
    return Where.OUTSIDE if subject.is_seen else Where.MISSING


def _each_once(pairs: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    firsts: set[int] = set()
    seconds: set[int] = set()
    for first, second in pairs:
        if first not in firsts and second not in seconds:
            firsts.add(first)
            seconds.add(second)
            yield first, second
