"""Where a training run tells how it goes: a JSON line a record, TensorBoard when installed, the terminal."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Record = Mapping[str, float | None]


class ScalarWriter(Protocol):
    """The part of TensorBoard's SummaryWriter that is used."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None:
        """Add one number at one step."""

    def close(self) -> None:
        """Write what is pending."""


class RunLog:
    """Writes a run's records to `log.jsonl` and TensorBoard, and shows them; use it as a context manager.

    Args:
        directory: of the run.
        first_step: records beyond it, of a training that was interrupted after its checkpoint, are dropped.
        total_steps: where the bar ends.
        console: where to show progress: as a bar in a terminal, else as a line per record; None is silent.
    """

    def __init__(self, directory: Path, first_step: int, total_steps: int, console: Console | None) -> None:
        self._total_steps = total_steps
        self._console = console
        _drop_records_after(directory / "log.jsonl", first_step)
        self._file = (directory / "log.jsonl").open("a", encoding="utf-8")
        self._writer = _tensorboard_writer(directory / "tensorboard", first_step)
        self._bar = _bar(console) if console and console.is_terminal else None
        self._task = self._bar.add_task("", completed=first_step, total=total_steps) if self._bar else None

    def __enter__(self) -> RunLog:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()
        self._file.close()
        if self._writer:
            self._writer.close()

    def advance(self, step: int) -> None:
        """Move the bar."""
        if self._bar and self._task is not None:
            self._bar.update(self._task, completed=step)

    def write(self, record: Record) -> None:
        """Take a record; it holds at least `step`, `steps_per_s` and `mean_return`."""
        self._file.write(json.dumps(dict(record)) + "\n")
        self._file.flush()
        step = int(record["step"] or 0)
        if self._writer:
            for name, value in record.items():
                if value is not None and name != "step":
                    self._writer.add_scalar(name, value, step)
        if self._bar and self._task is not None:
            self._bar.update(self._task, completed=step, description=_in_words(record))
        elif self._console:
            line = f"{step:,} of {self._total_steps:,} steps, {_in_words(record)}"
            if rate := record["steps_per_s"]:
                line += f", {max(0, self._total_steps - step) / rate / 60:.1f} min left"
            self._console.print(line, highlight=False)


def _in_words(record: Record) -> str:
    mean_return = record.get("mean_return")
    shown = "-" if mean_return is None else f"{mean_return:.2f}"
    if missing := record.get("frames_missing"):
        return f"refilling the replay, {missing:,.0f} frames missing, return {shown}"
    return f"{record['steps_per_s'] or 0.0:,.0f} steps/s, return {shown}"


def _bar(console: Console) -> Progress:
    return Progress(
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} steps"),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
        refresh_per_second=2,
        speed_estimate_period=120,
    )


def _drop_records_after(file: Path, step: int) -> None:
    """Keep the records up to a step, so that resuming does not tell a part of the story twice."""
    if not file.exists():
        return
    kept = []
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(line)
        except ValueError:  # a crash can leave the last line half written
            continue
        if isinstance(record, dict) and record.get("step", 0) <= step:
            kept.append(line + "\n")
    scratch = file.with_suffix(".tmp")
    scratch.write_text("".join(kept), encoding="utf-8")
    scratch.replace(file)


def _tensorboard_writer(directory: Path, first_step: int) -> ScalarWriter | None:
    """Open a SummaryWriter that hides earlier records beyond `first_step`; None when not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of TensorBoard's own dependencies
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return None
        make: Any = SummaryWriter
        writer: ScalarWriter = make(str(directory), purge_step=first_step + 1 if first_step else None)
    return writer
