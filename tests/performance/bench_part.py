"""What every part of the benchmark has in common: its arguments, its clip, and how its result is written down."""

import argparse
import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "bench"

Result = dict[str, Any]


def run(part: Callable[[int], Result]) -> None:
    """`part` with the number of rounds; its result, a mapping that JSON can hold, goes to `--out`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    result = part(options.rounds)
    options.out.write_text(json.dumps(result, indent=1))


def demo_clip() -> Path:
    """The demo's own clip: 24 s of 1280x720 at 10 frames a second."""
    from cluster.camera.demo_clip import make_demo_clip

    clip = BUILD / "demo.mp4"
    if not clip.exists():
        make_demo_clip(clip)
    return clip


def figure(values: Sequence[float], goal: str, **more: Any) -> Result:
    """One figure: the median of `values`, which are kept, and what it should be (`>= 0.93` or `<= 25`)."""
    value = statistics.median(values)
    sign, _, bound = goal.partition(" ")
    reached = value >= float(bound) if sign == ">=" else value <= float(bound)
    return {"value": value, "goal": goal, "reached": reached, "rounds": list(values), **more}


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that is not exceeded by `share` of them."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def medians(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    """Key by key."""
    return {key: statistics.median([r[key] for r in rounds if key in r]) for key in rounds[0]}
