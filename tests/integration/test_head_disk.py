"""Who is on the head of a real cluster of two nodes."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from counterparts.ray_nodes import RayNodes
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from deployments.shared_storage import on_head


@pytest.fixture
def nodes() -> Iterator[RayNodes]:
    folder = Path(tempfile.mkdtemp(prefix="sy", dir="/tmp"))  # Ray's sockets want a short path
    nodes = RayNodes(folder, {})
    try:
        nodes.start()
        nodes.add("other", num_cpus=1)
        yield nodes
    finally:
        nodes.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_the_head_knows_that_it_is_the_head_and_another_node_that_it_is_not(nodes: RayNodes) -> None:
    asked = ray.remote(num_cpus=0)(on_head)
    answers = {
        name: ray.get(
            asked.options(scheduling_strategy=NodeAffinitySchedulingStrategy(nodes.id_of(name), soft=False)).remote(),
            timeout=120,
        )
        for name in nodes.names()
    }

    assert answers == {"head": True, "other": False}
