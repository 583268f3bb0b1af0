"""One bad replica among good ones is what an operator must hear of."""

from typing import Any

import pytest

from cluster.safety.status import DetectorReport
from deployments.ingress.replicas import most_worrying


def report(**changes: Any) -> DetectorReport:
    return DetectorReport(**{"model": "fall-s", "model_digest": "", "runtime": "torch", "device": "cpu"} | changes)


GOOD = report(image_size=320, ready=True)
FAULTY = report(image_size=320, ready=True, error="it was loaded anew")
FALLEN_BACK = report(image_size=320, ready=True, fallback=True, error="model noise was refused")
EMPTY = report(image_size=0, ready=False, error="weights are missing")


@pytest.mark.parametrize(
    ("reports", "told"),
    [
        ([], None),
        ([GOOD], GOOD),
        ([GOOD, FAULTY], FAULTY),
        ([FAULTY, FALLEN_BACK, GOOD], FALLEN_BACK),
        ([GOOD, FALLEN_BACK, EMPTY], EMPTY),
    ],
)
def test_the_replica_that_worries_most_speaks_for_all(
    reports: list[DetectorReport], told: DetectorReport | None
) -> None:
    assert most_worrying(reports) is told
