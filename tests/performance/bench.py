"""`make bench`: how fast the site is, what a camera costs, and how far that is from the goals.

    python tests/performance/bench.py                       everything, 3 rounds
    BENCH_ONLY=camera,gate BENCH_ROUNDS=5 make bench        some parts

Writes build/bench.json (medians, the raw values of every round, the machine) and build/bench.png. Each part runs in
a process of its own; one that fails is named and does not stop the others. Ends with 1 if a part failed; a
figure that falls short of its goal is a result and no failure.
"""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bench_machine
import bench_report

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PARTS = {"pipeline": 1200, "camera": 600, "scaling": 900, "gate": 600, "gpu": 900, "telemetry": 900, "ingress": 900}
"""Each with the seconds after which it has failed."""


def main() -> int:
    rounds, wanted = int(os.environ.get("BENCH_ROUNDS", "3")), _wanted()
    build = ROOT / "build"
    (build / "bench").mkdir(parents=True, exist_ok=True)
    report = _measure(wanted, rounds, build / "bench")
    (build / "bench.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    bench_report.draw(report, build / "bench.png")
    print(bench_report.table(report["figures"]))
    for line in (*report["failed"].values(), *report["notes"], report["warning"]):
        if line:
            print(line)
    print(f"build/bench.json and build/bench.png, after {report['took_s']:.0f} s")
    return 1 if report["failed"] else 0


def _wanted() -> list[str]:
    only = [name for name in os.environ.get("BENCH_ONLY", "").replace(",", " ").split() if name]
    if unknown := [name for name in only if name not in PARTS]:
        sys.exit(f"bench: BENCH_ONLY: unknown part {', '.join(unknown)}, known are {', '.join(PARTS)}")
    return only or list(PARTS)


def _measure(wanted: list[str], rounds: int, folder: Path) -> dict[str, Any]:
    started_s, started, before = time.monotonic(), datetime.now(UTC), bench_machine.load()
    other, parts, failed = bench_machine.OtherWork(), {}, {}
    for name in wanted:
        print(f"bench: {name} ...", flush=True)
        try:
            parts[name] = _part(name, rounds, folder)
        except (RuntimeError, OSError, ValueError, subprocess.SubprocessError) as error:
            failed[name] = f"bench: {name} FAILED: {error}"
            print(failed[name], flush=True)
    others = other.stop()
    return {
        "started": started.isoformat(),
        "took_s": time.monotonic() - started_s,
        "rounds": rounds,
        "machine": bench_machine.description(),
        "load": {"before": before, "after": bench_machine.load(), "others": others},
        "warning": bench_machine.warning(others),
        "failed": failed,
        "notes": [part["note"] for part in parts.values() if part.get("note")],
        "figures": {key: value for part in parts.values() for key, value in part["figures"].items()},
        "parts": parts,
    }


def _part(name: str, rounds: int, folder: Path) -> dict[str, Any]:
    out, log = folder / f"{name}.json", folder / f"{name}.log"
    out.unlink(missing_ok=True)
    command = [sys.executable, str(HERE / f"bench_{name}.py"), "--rounds", str(rounds), "--out", str(out)]
    environment = {**os.environ, "PYTHONPATH": f"{HERE}:{ROOT}"}
    with log.open("wb") as stream:
        ended = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            stdout=stream,
            stderr=subprocess.STDOUT,
            timeout=PARTS[name],
            check=False,
        )
    if ended.returncode or not out.exists():
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        raise RuntimeError(f"{lines[-1][:300] if lines else 'no word'} (see {log.relative_to(ROOT)})")
    return dict(json.loads(out.read_text()))


if __name__ == "__main__":
    sys.exit(main())
