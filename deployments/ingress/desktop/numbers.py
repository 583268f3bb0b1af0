"""The whole numbers of the desktop client, remembered so that a frame asks no database."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from cluster.storage.whole_numbers import NumberKind, WholeNumber
from deployments.ingress.problems import Problem
from deployments.ingress.services import NumberStore

_MOST_REMEMBERED = 20_000


class Numbers:
    """What is remembered never becomes wrong, because a number stands for its name for ever."""

    def __init__(self, store: NumberStore) -> None:
        self._store = store
        self._by_name: OrderedDict[tuple[NumberKind, str], WholeNumber] = OrderedDict()

    async def of(self, kind: NumberKind, names: Sequence[str]) -> Mapping[str, WholeNumber]:
        """The number of each name."""
        found = {name: known for name in names if (known := self._by_name.get((kind, name))) is not None}
        if missing := [name for name in names if name not in found]:
            given = await self._store.numbers(kind, missing)
            self._remember(given)
            found |= given
        return found

    async def one(self, kind: NumberKind, name: str) -> WholeNumber:
        return (await self.of(kind, [name]))[name]

    async def name(self, kind: NumberKind, number: int) -> str:
        """What the client means.

        Raises:
            Problem: 404, this number was never given.
        """
        found = await self._store.named(kind, number) if 0 < number < 2**31 else None
        if found is None:
            raise Problem(404, f"there is no {kind} {number}")
        return found.name

    def _remember(self, given: Mapping[str, WholeNumber]) -> None:
        for one in given.values():
            self._by_name[one.kind, one.name] = one
        while len(self._by_name) > _MOST_REMEMBERED:
            self._by_name.popitem(last=False)


def zone_name(camera_id: str, zone_id: str) -> str:
    """What a zone is called among all zones of the site."""
    return f"{camera_id}/{zone_id}"
