"""The table and the picture of a benchmark."""

from pathlib import Path
from typing import Any

Figures = dict[str, dict[str, Any]]

_GOOD, _BAD, _INK = "#2a7f62", "#c44536", "#22313f"


def table(figures: Figures) -> str:
    """One line a figure: name, value, goal, whether it is reached, and its rounds."""
    width = max([len(name) for name in figures], default=10)
    lines = [f"{'figure':{width}}  {'value':>8}  {'goal':>8}  reached  rounds"]
    for name, figure in figures.items():
        rounds = " ".join(_short(value) for value in figure["rounds"])
        reached = "yes" if figure["reached"] else "NO"
        lines.append(f"{name:{width}}  {_short(figure['value']):>8}  {figure['goal']:>8}  {reached:7}  {rounds}")
    return "\n".join(lines)


def draw(report: dict[str, Any], path: Path) -> None:
    """A page: how far each figure is from its goal, the profile of a frame, and what scaling costs."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    plt.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "text.color": _INK})
    page, axes = plt.subplots(2, 2, figsize=(15, 10), gridspec_kw={"width_ratios": [1.25, 1]})
    _draw_goals(axes[0, 0], report["figures"])
    for place, size in ((axes[0, 1], "640"), (axes[1, 1], "320")):
        _draw_profile(place, report["parts"].get("pipeline", {}).get("profile", {}).get(size, {}), size)
    _draw_scaling(axes[1, 0], report["parts"].get("scaling", {}).get("steps", {}))
    machine = report["machine"]
    warned = f"\n{report['warning']}" if report["warning"] else ""
    title = (
        f"SAFE-YOLO, {report['started'][:16]}, {machine['cores']} cores, {machine['processor']}, {machine['commit']}"
    )
    page.suptitle(title + warned, color=_BAD if warned else _INK)
    page.tight_layout()
    page.savefig(path, dpi=110)
    plt.close(page)


def _draw_goals(axes: Any, figures: Figures) -> None:
    """Bars that end right of the line have reached their goal, whichever direction is good."""
    names = list(reversed(figures))
    shares = [_share_of_goal(figures[name]) for name in names]
    colours = [_GOOD if figures[name]["reached"] else _BAD for name in names]
    axes.barh(names, [min(share, 3.0) for share in shares], color=colours)
    for row, name in enumerate(names):
        figure = figures[name]
        axes.text(
            min(shares[row], 3.0) + 0.03, row, f"{_short(figure['value'])}  ({figure['goal']})", va="center", fontsize=8
        )
    axes.axvline(1.0, color=_INK, linewidth=1)
    axes.set_xlim(0, 3.9)
    axes.set_xlabel("share of the goal (right of the line: reached; cut at 3)")
    axes.set_title("Figures")


def _draw_profile(axes: Any, stages: dict[str, float], size: str) -> None:
    axes.set_title(f"One frame at {size}, stage by stage, ms")
    if not stages:
        axes.text(0.5, 0.5, "not measured", ha="center", transform=axes.transAxes)
        return
    names = list(reversed(stages))
    axes.barh(names, [stages[name] for name in names], color="#3f7cac")
    axes.set_xscale("symlog", linthresh=1.0)
    for row, name in enumerate(names):
        axes.text(stages[name] * 1.05 + 0.03, row, f"{stages[name]:.2f}", va="center", fontsize=8)
    axes.set_xlim(0, max(stages.values()) * 3)


def _draw_scaling(axes: Any, steps: dict[str, Any]) -> None:
    axes.set_title("CPU outside the detector, and memory, by number of cameras")
    if not steps:
        axes.text(0.5, 0.5, "not measured", ha="center", transform=axes.transAxes)
        return
    counts = [int(count) for count in steps]
    costs = [_median([r["outside"] for r in steps[str(count)]["cpu_ms_a_frame"]]) for count in counts]
    axes.plot(counts, costs, "o-", color="#3f7cac", label="CPU ms a frame (left)")
    axes.set_ylim(0, max(costs) * 1.3)
    axes.set_xlabel("cameras")
    right = axes.twinx()
    right.plot(
        counts, [steps[str(count)]["all_mb"] for count in counts], "s--", color="#b07d2b", label="MB, all processes"
    )
    right.set_ylim(bottom=0)
    lines = axes.get_lines() + right.get_lines()
    axes.legend(lines, [line.get_label() for line in lines], loc="lower right")


def _share_of_goal(figure: dict[str, Any]) -> float:
    sign, _, bound = figure["goal"].partition(" ")
    goal, value = float(bound), float(figure["value"])
    if sign == ">=":
        return value / goal
    if goal == 0:
        return 1.0 if value <= 0 else 0.0
    return goal / value if value > 0 else 3.0


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
