import asyncio

from deployments.ingress.farewell import Farewell
from deployments.ingress.live import Live


def test_sockets_are_dismissed_when_nobody_asks_and_taken_again_when_the_asking_goes_on(site, make):
    async def follow():
        now, seen = [0.0], []
        live = Live(site.services, make.QUICK)
        farewell = Farewell(live, silence_s=5.0, clock=lambda: now[0])
        await farewell.look()
        seen.append(live.stopping.is_set())
        farewell.asked()
        for now[0] in (4.0, 6.0):
            await farewell.look()
            seen.append(live.stopping.is_set())
        farewell.asked()
        seen.append(live.stopping.is_set())
        return seen

    # A replica that was never asked has only just been started.
    assert asyncio.run(follow()) == [False, False, True, False]
