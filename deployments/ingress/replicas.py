"""What several replicas of the Detector are worth together: as much as the one that worries most."""

from collections.abc import Sequence

from cluster.safety.status import DetectorReport


def most_worrying(reports: Sequence[DetectorReport]) -> DetectorReport | None:
    """The report to act on; None without any.

    A replica without a model fails every frame that it gets, one that falls back sees with an older model, and one
    with an error had a fault that has passed.
    """
    return min(reports, key=lambda report: (report.ready, not report.fallback, not report.error), default=None)
