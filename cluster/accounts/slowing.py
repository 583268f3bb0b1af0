"""Makes guessing passwords slow: after a few wrong ones the next is not looked at for a while, which doubles."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from cluster.safety.errors import SignInSlowed

FORGET_AFTER_S = 900.0
MOST_KEYS = 10_000
_BITS_OF_A_HOUSE = 64
"""Whoever has an IPv6 address has all of its lower half."""


@dataclass(frozen=True, slots=True)
class Patience:
    """`free` wrong ones cost nothing; each further one doubles the wait, from 1 s to `longest_s`."""

    free: int
    longest_s: float

    def wait_s(self, wrong: int) -> float:
        if wrong <= self.free:
            return 0.0
        return min(self.longest_s, 2.0 ** min(wrong - self.free - 1, 30))


USER = Patience(free=4, longest_s=30.0)
"""Never long: whoever knows an operator's name must not be able to lock him out of the alarms."""
ADDRESS = Patience(free=12, longest_s=300.0)
"""A whole control room may come from one address."""


@dataclass(slots=True)
class _Counted:
    wrong: int
    at_s: float


class Slowing:
    """Counts wrong passwords by key in the memory of one replica; those tried longest ago are forgotten first.

    Belongs to one event loop.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, most_keys: int = MOST_KEYS) -> None:
        self._clock, self._most_keys = clock, most_keys
        self._counted: OrderedDict[str, _Counted] = OrderedDict()

    def attempt(self, name: str, address: str) -> None:
        """Counts an attempt as wrong until `succeeded` says otherwise, so that many at once count as many.

        Raises:
            SignInSlowed: not yet; the attempt is not looked at and does not count.
        """
        keys = keys_of(name, address)
        wait_s = max(self._left_s(key, patience) for key, patience in keys)
        if wait_s > 0:
            raise slowed(wait_s)
        for key, _ in keys:
            self._count(key)

    def succeeded(self, name: str, address: str) -> None:
        """The attempt was right: what the user got wrong is forgotten, what others got wrong from there is not."""
        (user, _), (house, _) = keys_of(name, address)
        self._counted.pop(user, None)
        if (counted := self._counted.get(house)) is not None:
            counted.wrong -= 1

    def withdrawn(self, name: str, address: str) -> None:
        """Nobody could say whether the attempt was right (the database was away): it does not count."""
        for key, _ in keys_of(name, address):
            if (counted := self._counted.get(key)) is not None:
                counted.wrong = max(0, counted.wrong - 1)

    def _left_s(self, key: str, patience: Patience) -> float:
        counted = self._counted.get(key)
        if counted is None:
            return 0.0
        gone_s = self._clock() - counted.at_s
        if gone_s > FORGET_AFTER_S:
            del self._counted[key]
            return 0.0
        return patience.wait_s(counted.wrong) - gone_s

    def _count(self, key: str) -> None:
        wrong = self._counted[key].wrong if key in self._counted else 0
        self._counted[key] = _Counted(wrong + 1, self._clock())
        self._counted.move_to_end(key)
        if len(self._counted) > self._most_keys:
            self._counted.popitem(last=False)


def slowed(wait_s: float) -> SignInSlowed:
    """What is said to who has to wait so many seconds."""
    return SignInSlowed(f"too many wrong passwords, try again in {wait_s:.0f} s", retry_after_s=wait_s)


def keys_of(name: str, address: str) -> tuple[tuple[str, Patience], tuple[str, Patience]]:
    """By what an attempt is counted: its user, then the house that its address belongs to."""
    return (f"user {name}", USER), (f"address {_house(address)}", ADDRESS)


def _house(address: str) -> str:
    try:
        number = ip_address(address)
    except ValueError:
        return address
    if isinstance(number, IPv6Address) and number.ipv4_mapped is None:
        return str(int(number) >> (128 - _BITS_OF_A_HOUSE))
    return address
