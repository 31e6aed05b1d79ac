"""How time is taken: contestants in turns, medians of several, on chosen cores."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def choose_cores(first: int | None, count: int) -> list[int]:
    """Return `count` of the cores that this process may use, or all if there are no more.

    Args:
        first: which one begins; None takes the first.
        count: how many.
    """
    allowed = sorted(os.sched_getaffinity(0))
    begin = allowed[0] if first is None else first
    return [begin, *(core for core in allowed if core != begin)][:count]


def keep_to_cores(cores: Sequence[int]) -> None:
    """Keep this process and those that it starts on some cores, and their libraries to a thread for each.

    Libraries read the limits when they are loaded, so only processes started later obey all of them.
    """
    os.sched_setaffinity(0, cores)
    for name in _THREADS:
        os.environ[name] = str(len(cores))


def rates_in_turns(
    contestants: Mapping[str, Callable[[], float]], repeats: int, warm_up: int = 1
) -> dict[str, list[float]]:
    """Measure several contestants in turns, so that a busy spell of the machine meets all of them.

    Args:
        contestants: each does a piece of work and returns how many units it was.
        repeats: turns that count.
        warm_up: turns before that, which do not.

    Returns:
        Units per second of each turn, by contestant.
    """
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(warm_up + repeats):
        for name, work in contestants.items():
            start = time.perf_counter()
            units = work()
            elapsed = time.perf_counter() - start
            if turn >= warm_up:
                rates[name].append(units / elapsed)
    return rates


def median_ratio(ours: list[float], theirs: list[float]) -> float:
    """Return the median of the ratios of turns that were measured side by side."""
    return median(a / b for a, b in zip(ours, theirs, strict=True))
