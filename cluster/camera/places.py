"""Where cameras live, as the supervisor tells the nodes, and what a node tells back."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CameraPlace:
    """`node_id` "": nowhere yet. `epoch` 0: its owner has not said anything.

    `open_events`: the ids of the episodes that the owner of `epoch` goes on with.
    """

    node_id: str
    epoch: int = 0
    open_events: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Places:
    """The cameras that should run. `complete` False: there may be others that are not known yet."""

    cameras: Mapping[str, CameraPlace] = field(default_factory=dict)
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """What one camera that is not here any more has left on a node's disk, and why it still waits."""

    camera_id: str
    events: int
    pictures: int
    reason: str


@dataclass(frozen=True, slots=True)
class NodeReport:
    """A heartbeat of a node's agent. `release`: the code that it runs."""

    node_id: str
    release: str
    pid: int
    waiting: tuple[Waiting, ...] = ()
