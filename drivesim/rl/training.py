"""The training loop around any learner: checkpoints, resuming, signals, and the log of a run.

A run's directory holds `log.jsonl`, `checkpoints/<step>/` (the last two) and `agent/`, the network alone.
"""

from __future__ import annotations

import ctypes
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import torch
from gymnasium.vector import VectorEnv
from rich.console import Console

from drivesim.rl import a2c
from drivesim.rl.a2c import A2CConfig, TrainingDiverged
from drivesim.rl.checkpoint import AGENT, CheckpointError, save_agent
from drivesim.rl.descent import Precision
from drivesim.rl.learner import Learner, ReplayLearner
from drivesim.rl.networks import ActorCritic
from drivesim.rl.progress import RunLog
from drivesim.rl.resume import SAVED_REPLAY_BYTES, latest_checkpoint, restore_learner, save_learner

AnyLearner = TypeVar("AnyLearner", bound=Learner)


class Status(StrEnum):
    """How a training ended."""

    FINISHED = "finished"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class TrainingResult:
    """How far a training came."""

    status: Status
    step: int
    agent: Path
    """Directory of the network alone, for `load_agent`."""


@dataclass(frozen=True)
class RunConfig:
    """Where a run is kept and what it tells."""

    directory: Path
    resume: bool = False
    """Whether to go on from the directory's last checkpoint; without it the directory must hold none."""
    checkpoint_every_s: float = 120.0
    log_every_s: float = 10.0
    saved_replay_bytes: int = SAVED_REPLAY_BYTES
    """A replay that takes more is left out of checkpoints, and refilled by the agent on resumption."""
    console: Console | None = None
    """Where to show progress; None is silent."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Put into the agent's JSON: the environment's name, the action names, the command."""


def train(
    env: VectorEnv[Any, Any, Any],
    network: ActorCritic,
    config: A2CConfig,
    run: RunConfig,
    on_update: Callable[[a2c.Learner], None] | None = None,
) -> TrainingResult:
    """Train a network by A2C; see `train_learner`, of which this is the case with `a2c.Learner`."""
    keep_freed_memory()
    run.directory.mkdir(parents=True, exist_ok=True)
    return train_learner(a2c.Learner(env, network, config), run, on_update)


def train_learner(
    learner: AnyLearner, run: RunConfig, on_update: Callable[[AnyLearner], None] | None = None
) -> TrainingResult:
    """Train until `total_steps` of the configuration, an interrupt (SIGINT, SIGTERM) or a divergence.

    Args:
        learner: as constructed; its environment is closed by the caller.
        run: where to keep checkpoints and log.
        on_update: called after each update.

    Returns:
        How the training ended; it has been saved.

    Raises:
        CheckpointError: the directory's checkpoint does not fit, or is there without `run.resume`.
        TrainingDiverged: the last checkpoint is then the last good one.
    """
    keep_freed_memory()
    run.directory.mkdir(parents=True, exist_ok=True)
    latest = latest_checkpoint(run.directory)
    if latest and not run.resume:
        raise CheckpointError(f"{latest}: the run has begun; resume it, or choose another directory")
    earlier_s = 0.0
    if latest:
        earlier_s = restore_learner(learner, latest)
    else:
        learner.start(learner.config.seed)
    total_steps = learner.config.total_steps
    log = RunLog(run.directory, learner.step, total_steps, run.console)
    with caught_signals() as signals, log:
        _loop(learner, run, log, earlier_s, lambda: bool(signals), on_update)
    status = Status.INTERRUPTED if learner.step < total_steps else Status.FINISHED
    return TrainingResult(status, learner.step, run.directory / AGENT)


def _loop(
    learner: AnyLearner,
    run: RunConfig,
    log: RunLog,
    earlier_s: float,
    is_interrupted: Callable[[], bool],
    on_update: Callable[[AnyLearner], None] | None,
) -> None:
    """Update until done or interrupted, log and save now and then, and save at the end."""
    start = saved = logged = time.monotonic()
    logged_step = learner.step
    is_done = learner.step >= learner.config.total_steps
    while not is_done:
        report = learner.update(learner.collect())
        if on_update:
            on_update(learner)
        log.advance(learner.step)
        now = time.monotonic()
        is_done = learner.step >= learner.config.total_steps or is_interrupted()
        is_saving = is_done or now - saved >= run.checkpoint_every_s
        if is_saving or now - logged >= run.log_every_s:
            rate = (learner.step - logged_step) / max(now - logged, 1e-9)
            times = {"step": learner.step, "time_s": earlier_s + now - start, "steps_per_s": rate}
            log.write({**times, **report, **learner.episodes.summary()})
            logged, logged_step = now, learner.step
        if is_saving:
            _save(learner, run, earlier_s + now - start)
            saved = now


def _save(learner: Learner, run: RunConfig, elapsed_s: float) -> None:
    if not all(parameter.isfinite().all() for parameter in learner.parameters):
        raise TrainingDiverged(f"step {learner.step}: a weight is not finite; nothing was saved")
    save_learner(learner, run.directory, elapsed_s, run.saved_replay_bytes)
    training = {"step": learner.step, "elapsed_s": elapsed_s, "config": asdict(learner.config)}
    if isinstance(learner, ReplayLearner):
        training["replay"] = {"bytes": learner.replay.nbytes, "refills": learner.refills}
    save_agent(run.directory / AGENT, learner.agent, {**run.metadata, "training": training})


def fastest_precision(device: str) -> Precision:
    """Return bfloat16 where the device multiplies it in hardware, which is about 1.5 times faster there."""
    has_bfloat16 = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return "bfloat16" if device != "cpu" or has_bfloat16() else "float32"


def keep_freed_memory() -> None:
    """Tell the C library to keep freed memory instead of returning it to the kernel.

    Each update frees and takes the same hundred megabytes; mapping them anew costs a third of the time.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # glibc only
        trim_threshold, top_pad, mmap_max = -1, -2, -4
        mallopt(mmap_max, 0)
        mallopt(trim_threshold, 2**31 - 1)
        mallopt(top_pad, 256 << 20)


@contextmanager
def caught_signals() -> Iterator[list[int]]:
    """Collect the first SIGINT or SIGTERM instead of dying of it; a second one acts as ever.

    Outside the main thread signals cannot be caught, and the list stays empty.
    """
    caught: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield caught
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def catch(number: int, _frame: FrameType | None) -> None:
        caught.append(number)
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, catch)
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
