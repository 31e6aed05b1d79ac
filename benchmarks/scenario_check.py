"""`scenario check` of damaged files: none may end in another error than the loader's own, or take long."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.row import Row
from benchmarks.scenario_mutations import mutations
from drivesim.scenario.loader import check, shipped_names

TARGET = 50.0
"""ms"""
FILES = 10_000
SCENARIOS = Path(__file__).resolve().parents[1] / "scenarios"


def check_all(folder: Path, files: int) -> tuple[list[float], list[str], int]:
    """Check damaged copies of all shipped scenarios.

    Args:
        folder: to write to; each damaged file stands there beside the intact ones that it may extend.
        files: how many.

    Returns:
        Processor time (ms) of each, the other exceptions, and how many files were found invalid.
    """
    names = shipped_names()
    share, invalid = -(-files // len(names)), 0
    times: list[float] = []
    strays: list[str] = []
    path = folder / "damaged.yaml"
    for seed, name in enumerate(names):
        content = (SCENARIOS / f"{name}.yaml").read_text(encoding="utf-8")
        for number, damaged in enumerate(mutations(content, min(share, files - len(times)), seed)):
            path.write_bytes(damaged)
            start = time.process_time()
            try:
                invalid += bool(check(path))
            except Exception as error:  # what the row counts
                strays.append(f"{name} {number}: {type(error).__name__}")
            times.append(1000 * (time.process_time() - start))
    return times, strays, invalid


def measure() -> Row:
    """Measure the row."""
    with TemporaryDirectory() as folder:
        check_all(Path(folder), 100)  # warm-up
        times, strays, invalid = check_all(Path(folder), FILES)
    return Row(
        "scenario-check",
        "ms, the slowest file",
        max(times),
        f"less than {TARGET:.0f} ms each, no exception but ScenarioError",
        max(times) < TARGET and not strays,
        more={
            "median": median(times),
            "files": len(times),
            "invalid": invalid,
            "other_exceptions": len(strays),
            "first_of_them": strays[:5],
        },
    )
