"""Whose orders count: those of the newest supervisor. Knows no Ray."""

import threading

from cluster.safety.errors import SupervisorSuperseded


class Orders:
    """Remembers the highest supervisor epoch that gave an order; thread-safe."""

    def __init__(self) -> None:
        self._highest = 0
        self._lock = threading.Lock()

    def take(self, epoch: int) -> None:
        """Acknowledges the supervisor of `epoch`.

        Raises:
            SupervisorSuperseded: a newer one has spoken already.
        """
        with self._lock:
            if epoch < self._highest:
                raise SupervisorSuperseded(epoch, self._highest)
            self._highest = epoch
