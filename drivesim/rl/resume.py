"""A learner's whole state on disk, so that training goes on as if it had never stopped."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from drivesim.rl.checkpoint import (
    STATE,
    Arrays,
    CheckpointError,
    check_arrays,
    load_directory,
    load_large,
    load_network_arrays,
    network_arrays,
    network_settings,
    save_directory,
)
from drivesim.rl.learner import Learner, Refill, ReplayLearner

KEPT_CHECKPOINTS = 2
SAVED_REPLAY_BYTES = 256 << 20
"""Of the largest replay that a checkpoint holds unless told otherwise. Two checkpoints are kept, and a third
is written before the oldest goes."""
LATER_SETTINGS: dict[str, Any] = {"clip_rewards": False, "averaged_updates": 1}
"""What checkpoints written before there were such settings did."""


@runtime_checkable
class Resumable(Protocol):
    """An environment whose whole state can be saved; others start new episodes when a run is resumed."""

    def get_state(self) -> dict[str, NDArray[Any]]:
        """Return everything the future depends on, as numeric arrays."""

    def set_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Continue from what `get_state` returned.

        Raises:
            ValueError: it does not fit this environment.
        """


def save_learner(
    learner: Learner, run_directory: Path, elapsed_s: float, saved_replay_bytes: int = SAVED_REPLAY_BYTES
) -> None:
    """Write a checkpoint, then drop all but the last two.

    Args:
        learner: between two updates.
        run_directory: the checkpoint becomes `checkpoints/<step>` in it.
        elapsed_s: seconds spent so far.
        saved_replay_bytes: a replay that takes more is not saved, and refilled when the run is resumed.
    """
    metadata: dict[str, Any] = {
        "step": learner.step,
        "elapsed_s": elapsed_s,
        "config": asdict(learner.config),
        "layout": {**asdict(learner.network.layout), "planes": list(learner.network.layout.planes)},
        "network": network_settings(learner.network),
    }
    path = run_directory / "checkpoints" / f"{learner.step:012d}"
    large: Arrays = {}
    if isinstance(learner, ReplayLearner):
        metadata["replay"] = {"frames": learner.frames_wanted, "refills": learner.refills}
        if learner.replay.nbytes <= saved_replay_bytes and learner.frames_wanted == learner.replay.held:
            large = {f"replay.{name}": array for name, array in learner.replay.arrays().items()}
    save_directory(path, STATE, _all_arrays(learner), metadata, large)
    for old in _checkpoints(run_directory)[:-KEPT_CHECKPOINTS]:
        shutil.rmtree(old, ignore_errors=True)


def restore_learner(learner: Learner, path: Path) -> float:
    """Continue from a checkpoint, bit for bit where the environment is `Resumable` and any replay was saved.

    Args:
        learner: as constructed, of the configuration that the checkpoint was made with.
        path: the checkpoint's directory.

    Returns:
        The seconds that were spent before.

    Raises:
        CheckpointError: it is damaged, or of another configuration, network or environment.
    """
    arrays, metadata = load_directory(path, STATE)
    file = path / f"{STATE}.safetensors"
    _check_metadata(path / f"{STATE}.json", metadata, learner)
    world = _section(arrays, "env.")
    learner.start(learner.config.seed if world else None)
    own = _section(arrays, "learner.")
    check_arrays(file, own, _own_arrays(learner))
    load_network_arrays(file, learner.network, _section(arrays, "network."))
    for name, tensor in learner.memory().items():
        tensor.copy_(torch.from_numpy(own[name]))
    learner.generator.set_state(torch.from_numpy(own["generator"]))
    learner.step = metadata["step"]
    if world:
        _restore_world(learner, world, file)
        learner.look(own["observations"].astype(np.uint8), own["is_resetting"].astype(np.bool_))
        learner.episodes.returns[:] = own["episode_returns"]
        learner.episodes.lengths[:] = own["episode_lengths"]
    if isinstance(learner, ReplayLearner):
        _take_up_replay(learner, path, metadata.get("replay"), anew=not world)
    return float(metadata["elapsed_s"])


def latest_checkpoint(run_directory: Path) -> Path | None:
    """Return the run's newest checkpoint; None if there is none."""
    return next(reversed(_checkpoints(run_directory)), None)


def _checkpoints(run_directory: Path) -> list[Path]:
    """Return the run's checkpoints, oldest first."""
    return sorted(path for path in (run_directory / "checkpoints").glob("[0-9]*") if path.is_dir())


def _own_arrays(learner: Learner) -> Arrays:
    """Return what the learner knows besides the weights."""
    memory = {name: tensor.float().cpu().contiguous().numpy() for name, tensor in learner.memory().items()}
    return {
        **memory,
        "generator": learner.generator.get_state().numpy(),
        "observations": learner.observations,
        "is_resetting": learner.is_resetting,
        "episode_returns": learner.episodes.returns,
        "episode_lengths": learner.episodes.lengths,
    }


def _all_arrays(learner: Learner) -> Arrays:
    state = learner.env.get_state() if isinstance(learner.env, Resumable) else {}
    sections = {"network": network_arrays(learner.network), "learner": _own_arrays(learner), "env": state}
    return {f"{title}.{name}": array for title, part in sections.items() for name, array in part.items()}


def _section(arrays: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _restore_world(learner: Learner, world: Arrays, file: Path) -> None:
    if not isinstance(learner.env, Resumable):
        raise CheckpointError(f"{file}: holds an environment's state, which this environment cannot take")
    try:
        learner.env.set_state(world)
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{file}: does not fit the environment: {error!r}") from error


def _take_up_replay(learner: ReplayLearner, path: Path, described: Any, anew: bool) -> None:
    """Hand a learner the replay that was saved with a checkpoint, or have it refilled."""
    file = path / f"{STATE}.json"
    if not isinstance(described, dict) or not isinstance(described.get("frames"), int):
        raise CheckpointError(f"{file}: replay or its frames is missing")
    try:
        refills = described["refills"]
        learner.refills = [Refill(step=int(r["step"]), frames=int(r["frames"])) for r in refills]
        saved = _section(load_large(path, STATE), "replay.")
        learner.take_up(saved or None, described["frames"], anew)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{file}: the replay does not fit: {error!r}") from error


def _check_metadata(file: Path, metadata: Mapping[str, Any], learner: Learner) -> None:
    """Require what the checkpoint was made with; only `total_steps` may differ."""
    layout = {**asdict(learner.network.layout), "planes": list(learner.network.layout.planes)}
    network = network_settings(learner.network)
    expected = {"config": asdict(learner.config), "layout": layout, "network": network}
    for section, wanted in expected.items():
        found = metadata.get(section)
        if not isinstance(found, dict):
            raise CheckpointError(f"{file}: {section} is missing")
        for name, value in wanted.items():
            was = found.get(name, LATER_SETTINGS.get(name))
            if was != value and name != "total_steps":
                raise CheckpointError(f"{file}: {section}.{name} was {was!r}, this run asks for {value!r}")
    step, elapsed = metadata.get("step"), metadata.get("elapsed_s")
    if not isinstance(step, int) or not isinstance(elapsed, int | float) or not math.isfinite(elapsed):
        raise CheckpointError(f"{file}: step or elapsed_s is missing")
