"""How a long stage tells how far it is: a bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

SECONDS_BETWEEN_LINES = 10.0
SECONDS_OF_SPEED = 120
"""Over which the speed is taken: a stage's first part, such as compiling, may be another matter."""

Note = float | str
Report = Callable[[int, int], None]
"""Told how much is done, and how much there will be; `Track.report` is one."""


@dataclass
class Track:
    """How much is done; `track` makes it and shows it."""

    done: int
    show: Callable[[Track], None]
    notes: dict[str, Note] = field(default_factory=dict)

    def advance(self, n: int = 1, **notes: Note) -> None:
        """Count `n` more; notes, such as `loss=0.1`, stay until they are given anew."""
        self.done += n
        self.notes.update(notes)
        self.show(self)

    def report(self, done: int, total: int) -> None:
        """Count up to `done`, whatever was counted before."""
        del total  # known since `track`
        self.advance(done - self.done)


@contextmanager
def track(
    total: int, description: str, unit: str, console: Console | None = None, start: int = 0
) -> Iterator[Track]:
    """Show how far a stage is.

    Args:
        total: how much there is to do, of `unit`.
        description: what is done, in a word or two.
        unit: what is counted, in the plural.
        console: where to show it: as a bar in a terminal, else as a line every ten seconds; None is silent.
        start: how much an earlier run has done; it counts as done but not for the speed.

    Yields:
        What to call `advance` on.
    """
    if console is None:
        yield Track(start, _silent)
    elif console.is_terminal:
        with _bar(console, unit) as bar:
            task = bar.add_task(description, completed=start, total=total, notes="")
            yield Track(start, lambda now: bar.update(task, completed=now.done, notes=_listed(now.notes)))
    else:
        lines = _Lines(console, description, unit, total, start)
        progress = Track(start, lines.show)
        yield progress
        lines.finish(progress)


class _Lines:
    """Prints a line at most every ten seconds, and one at the end."""

    def __init__(self, console: Console, description: str, unit: str, total: int, start: int) -> None:
        self._console, self._description, self._unit = console, description, unit
        self._total = total
        self._began = time.monotonic()
        self._printed = deque([(self._began, start)])
        """When lines were printed, and how much was done then; as far back as the speed is taken."""

    def show(self, progress: Track) -> None:
        now = time.monotonic()
        if now - self._printed[-1][0] < SECONDS_BETWEEN_LINES:
            return
        while len(self._printed) > 1 and now - self._printed[0][0] > SECONDS_OF_SPEED:
            self._printed.popleft()
        since, done = self._printed[0]
        self._printed.append((now, progress.done))
        speed, missing = (progress.done - done) / (now - since), self._total - progress.done
        # What was expected may be done, and the task not: how long it takes is then unknown.
        left = f", {_duration(missing / speed)} left" if speed > 0 and missing > 0 else ""
        self._print(progress, f", {_speed(speed)}{left}")

    def finish(self, progress: Track) -> None:
        self._print(progress, f" in {_duration(time.monotonic() - self._began)}")

    def _print(self, progress: Track, pace: str) -> None:
        counted = f"{self._description}: {progress.done:,} of {self._total:,} {self._unit}{pace}"
        notes = f", {_listed(progress.notes)}" if progress.notes else ""
        self._console.print(counted + notes, highlight=False, markup=False, soft_wrap=True)


def _silent(_: Track) -> None:
    pass


def _bar(console: Console, unit: str) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TextColumn(unit, markup=False),
        TextColumn("{task.fields[notes]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
        refresh_per_second=2,
        speed_estimate_period=SECONDS_OF_SPEED,
    )


def _listed(notes: Mapping[str, Note]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_in_words(note)}" for name, note in notes.items())


def _in_words(note: Note) -> str:
    if isinstance(note, str):
        return note
    return f"{note:,}" if isinstance(note, int) else f"{note:.4g}"


def _speed(per_second: float) -> str:
    return f"{per_second:,.0f}/s" if per_second >= 10 else f"{per_second:.2g}/s"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
