"""What a fit tells of its course: a line of JSON now and then, beside its checkpoint."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

EVERY = 50
"""Iterations that a line tells the means of."""


class FitLog:
    """A JSON line for every 50 iterations, and one for those that are left at the end.

    Args:
        file: to append to; lines after `first` are dropped, for those iterations will be run again.
        first: the iteration that comes next.
    """

    def __init__(self, file: Path, first: int) -> None:
        self._file = file
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._began, self._first = time.monotonic(), first
        self.notes: dict[str, float] = {}
        """The means that the last line told."""
        lines = file.read_text().splitlines() if file.exists() else []
        file.write_text("".join(f"{line}\n" for line in lines if _iteration(line) <= first))

    def add(self, terms: Mapping[str, Tensor], iteration: int) -> None:
        """Take in one iteration's terms."""
        for name, value in terms.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value.detach())
            self._counts[name] = self._counts.get(name, 0) + 1
        if (iteration + 1) % EVERY == 0:
            self.flush(iteration + 1)

    def flush(self, done: int) -> None:
        """Tell what has been taken in since the last line, if anything, after `done` iterations."""
        if not self._sums:
            return
        self.notes = {name: value / self._counts[name] for name, value in self._sums.items()}
        speed = (done - self._first) / max(time.monotonic() - self._began, 1e-9)
        record = {"iteration": done, **self.notes, "iterations_per_s": speed}
        with self._file.open("a") as stream:
            stream.write(json.dumps(record) + "\n")
        self._sums, self._counts = {}, {}


def _iteration(line: str) -> float:
    """Return a line's iteration; infinity if it is torn, as a killed process may leave the last one."""
    try:
        return int(json.loads(line)["iteration"])
    except (ValueError, KeyError, TypeError):
        return float("inf")
