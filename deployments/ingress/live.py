"""Everything of one replica that lives longer than a request."""

from deployments.deadlines import bounded
from deployments.ingress.change_follower import ChangeFollower
from deployments.ingress.lifetimes import Lifetimes
from deployments.ingress.limits import Limits
from deployments.ingress.places import Places
from deployments.ingress.pullers import Pullers
from deployments.ingress.services import Services


class Live:
    """Owns the pullers, the follower of the change log and the places. Belongs to one event loop.

    `stop` first tells all sockets and streams to end (1012), waits for them a little, then ends what fed them.
    """

    def __init__(self, services: Services, limits: Limits) -> None:
        self.limits = limits
        self.metrics = services.metrics
        self.places = Places(limits.places, services.metrics, limits.places_of_one, limits.mjpeg_places)
        self.pullers = Pullers(services.cameras, limits)
        self.changes = ChangeFollower(services.events, limits)
        self.stopping = Lifetimes(limits)

    async def say_goodbye(self) -> None:
        """Close what is open with 1012; returns when all places are free, or after `close_within_s`."""
        self.stopping.set()
        try:
            await bounded(self.places.empty.wait(), self.limits.close_within_s)
        except TimeoutError:
            return

    async def stop(self) -> None:
        await self.say_goodbye()
        await self.pullers.close()
        await self.changes.close()
