"""What `make bench` says of its figures: medians, goals in both directions, and a page that can be drawn."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "performance"))

import bench_part
import bench_report


@pytest.mark.parametrize(
    ("values", "goal", "value", "reached"),
    [
        ([0.95, 0.91, 0.94], ">= 0.93", 0.94, True),
        ([0.90, 0.91, 0.99], ">= 0.93", 0.91, False),
        ([24.0, 25.0, 90.0], "<= 25", 25.0, True),
        ([0.0], "<= 0", 0.0, True),
        ([1.0], "<= 0", 1.0, False),
    ],
)
def test_a_figure_is_the_median_and_its_goal_has_a_direction(
    values: list[float], goal: str, value: float, reached: bool
) -> None:
    figure = bench_part.figure(values, goal)

    assert (figure["value"], figure["reached"], figure["rounds"]) == (value, reached, values)


def test_the_95th_percentile_is_not_exceeded_by_95_of_100() -> None:
    assert bench_part.percentile([float(n) for n in range(100)], 0.95) == 95.0
    assert bench_part.percentile([7.0], 0.95) == 7.0


def test_the_table_names_what_falls_short() -> None:
    figures = {"good": bench_part.figure([1.0], ">= 0.5"), "bad": bench_part.figure([0.1, 0.2, 0.3], ">= 0.5")}

    good, bad = bench_report.table(figures).splitlines()[1:]

    assert good.split()[-2] == "yes"
    assert " NO " in bad
    assert bad.split()[-3:] == ["0.1", "0.2", "0.3"]


@pytest.mark.parametrize("parts", [{}, {"pipeline": {"profile": {"640": {"infer": 100.0, "masks": 0.0}}}}])
def test_a_page_is_drawn_whatever_was_measured(parts: dict[str, object], tmp_path: Path) -> None:
    report = {
        "started": "2026-11-23T01:00:00",
        "machine": {"cores": 2, "processor": "one", "commit": "abc"},
        "warning": "",
        "figures": {"scaling.cpu_growth": bench_part.figure([1.0], "<= 1.2")},
        "parts": parts,
    }

    bench_report.draw(report, tmp_path / "bench.png")

    assert (tmp_path / "bench.png").stat().st_size > 10_000
