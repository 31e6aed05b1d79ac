"""A study: the stages one after another, each a command of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console

from probes.agent import ProbeError

Run = Callable[[tuple[str, ...]], int]
"""Runs one command given by its words, such as `collect --agent A`; returns its exit status."""


@dataclass(frozen=True)
class Step:
    """One stage."""

    title: str
    """What it does, for the terminal."""
    words: tuple[str, ...]
    """Of the command, without `probes`."""


def run_steps(steps: Sequence[Step], run: Run, console: Console) -> float:
    """Run stages in order; each skips itself if its inputs are unchanged.

    Returns:
        Seconds that they took.

    Raises:
        ProbeError: a stage failed; the earlier ones are kept, and the same command goes on from there.
    """
    began = time.monotonic()
    for number, step in enumerate(steps, 1):
        console.rule(f"{number} of {len(steps)}: {step.title}")
        status = run(step.words)
        if status:
            raise ProbeError(
                f"stage {number} of {len(steps)} ({step.title}) failed with status {status}; what the stages "
                "before it wrote is kept, and the same command goes on from there"
            )
    return time.monotonic() - began
