"""What a Ray node exports, as far as the hub reads it."""

from collections.abc import Callable, Mapping

import pytest

_RAYS_OWN = 'Component="core_worker",NodeAddress="10.0.0.1",SessionName="s",Version="2.60.0",WorkerId="{worker}"'
_SCOPE = 'otel_scope_name="ray",otel_scope_version=""'


def exported(samples: Mapping[tuple[str, str], float], kind: str = "counter", started_s: float | None = None) -> str:
    """An export: `samples` by (name with its own labels, worker), as Ray writes them among its own."""
    lines = ["# HELP python_info Python", "# TYPE python_info gauge", 'python_info{version="3.11"} 1.0']
    if started_s is not None:
        lines += ["# HELP process_start_time_seconds Start.", "# TYPE process_start_time_seconds gauge"]
        lines.append(f"process_start_time_seconds {started_s!r}")
    lines += ["# HELP ray_tasks Tasks.", "# TYPE ray_tasks gauge", 'ray_tasks{State="RUNNING"} 3.0']
    families: dict[str, list[str]] = {}
    for (sample, worker), value in samples.items():
        name, _, labels = sample.removesuffix("}").partition("{")
        inside = ",".join(filter(None, [_RAYS_OWN.format(worker=worker), labels, _SCOPE]))
        family = name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum")
        families.setdefault(family, []).append(f"ray_{name}{{{inside}}} {value!r}")
    for family, written in families.items():
        lines += [f"# HELP ray_{family} Some words.", f"# TYPE ray_{family} {kind}", *written]
    return "\n".join(lines) + "\n"


@pytest.fixture(name="exported")
def exported_fixture() -> Callable[..., str]:
    return exported
