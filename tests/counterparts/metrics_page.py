"""What a page of metrics in Prometheus' text format says."""


def values(page: str) -> dict[str, float]:
    """Each sample, as it is written with its labels, and its value."""
    lines = [line for line in page.splitlines() if not line.startswith("#")]
    return {sample: float(value) for sample, _, value in (line.rpartition(" ") for line in lines)}
