import asyncio
from dataclasses import replace

from cluster.safety.pictures import PictureProfile
from deployments.ingress.pullers import Pullers

WALL = PictureProfile.WALL


def test_who_comes_while_a_question_for_the_last_viewer_is_under_way_gets_the_picture_and_no_false_alarm(site, make):
    site.cameras.pictures["gate-1"] = make.picture()

    async def watch():
        pullers = Pullers(site.cameras, replace(make.QUICK, puller_linger_s=5.0))
        async with pullers.watch("gate-1", WALL, 60) as puller:
            first = await puller.newer_than(0, 5.0)
            pulls = site.cameras.pulls
            while site.cameras.pulls == pulls:  # noqa: ASYNC110 - a fake has no event to wait for
                await asyncio.sleep(0.001)
        async with pullers.watch("gate-1", WALL, 60) as puller:
            second = await puller.newer_than(0, 5.0)
        await pullers.close()
        return first.picture.jpeg, second.picture.jpeg

    assert asyncio.run(watch()) == (b"frame 1", b"frame 1")


def test_a_puller_keeps_one_picture_however_many_come(site, make):
    async def watch():
        pullers = Pullers(site.cameras, make.QUICK)
        async with pullers.watch("gate-1", WALL, 1000) as puller:
            number = 0
            for sequence in range(1, 50):
                site.cameras.pictures["gate-1"] = make.picture(sequence=sequence)
                shown = await puller.newer_than(number, 5.0)
                number = shown.number
            late = await puller.newer_than(0, 5.0)
        await pullers.close()
        return late.picture.sequence

    assert asyncio.run(watch()) == 49


def test_viewers_of_one_camera_share_one_question_at_a_time(site, make):
    site.cameras.pictures["gate-1"] = make.picture()

    async def watch():
        pullers = Pullers(site.cameras, make.QUICK)
        most = 0

        async def view():
            nonlocal most
            async with pullers.watch("gate-1", WALL, 30) as puller:
                for _ in range(5):
                    await puller.newer_than(0, 5.0)
                    most = max(most, site.cameras.pulling)
                    await asyncio.sleep(0)

        await asyncio.gather(*(view() for _ in range(100)))
        await pullers.close()
        return most

    assert asyncio.run(watch()) <= 1


def test_a_pull_that_fails_in_an_unknown_way_leaves_nobody_with_the_last_frame(site, make):
    site.cameras.pictures["gate-1"] = make.picture()

    async def breaks(*_):
        raise RuntimeError("Ray is not initialized")

    async def watch():
        pullers = Pullers(site.cameras, make.QUICK)
        async with pullers.watch("gate-1", WALL, 60) as puller:
            seen = await puller.newer_than(0, 5.0)
            site.cameras.picture = breaks
            while seen.picture.jpeg:
                seen = await puller.newer_than(seen.number, 5.0)
        await pullers.close()
        return seen.picture

    last = asyncio.run(watch())
    assert (last.status.value, last.jpeg) == ("UNMONITORED", b"")
    assert "RuntimeError" in last.reason


def test_who_comes_in_the_moment_in_which_a_puller_ends_gets_pictures(site, make):
    site.cameras.pictures["gate-1"] = make.picture()

    async def watch():
        pullers = Pullers(site.cameras, replace(make.QUICK, puller_linger_s=0.01))
        async with pullers.watch("gate-1", WALL, 60) as puller:
            await puller.newer_than(0, 5.0)
        while any(task.get_name().startswith("puller") for task in asyncio.all_tasks()):  # noqa: ASYNC110 - exactly this moment is meant
            await asyncio.sleep(0)
        assert len(pullers) == 1, "it has ended and is not forgotten yet"
        async with pullers.watch("gate-1", WALL, 60) as puller:
            shown = await puller.newer_than(0, 5.0)
            kept = len(pullers)
        await pullers.close()
        return shown and shown.picture.jpeg, kept

    assert asyncio.run(watch()) == (b"frame 1", 1)
