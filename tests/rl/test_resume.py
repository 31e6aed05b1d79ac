"""A learner that was saved and restored continues bit for bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from drivesim.rl.a2c import A2CConfig, Learner
from drivesim.rl.checkpoint import CheckpointError
from drivesim.rl.networks import ActorCritic
from drivesim.rl.resume import latest_checkpoint, restore_learner, save_learner
from tests.rl.catch import LAYOUT, SMALL, Catch

CONFIG = A2CConfig(total_steps=2_000, num_steps=3, seed=5)


def fresh(mode: AutoresetMode = AutoresetMode.NEXT_STEP, config: A2CConfig = CONFIG) -> Learner:
    return Learner(Catch(8, mode), ActorCritic(LAYOUT, SMALL), config)


def advance(learner: Learner, updates: int) -> list[dict[str, float]]:
    return [learner.update(learner.collect()) for _ in range(updates)]


def saved(tmp_path: Path, learner: Learner, elapsed_s: float = 12.5) -> Path:
    save_learner(learner, tmp_path, elapsed_s)
    path = latest_checkpoint(tmp_path)
    assert path is not None
    return path


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_restored_learner_continues_bit_for_bit(
    tmp_path: Path, mode: AutoresetMode, precision: Any
) -> None:
    config = replace(CONFIG, precision=precision)
    original = fresh(mode, config)
    original.start(config.seed)
    advance(original, 7)
    path = saved(tmp_path, original)
    expected = advance(original, 7)
    again = fresh(mode, config)
    assert restore_learner(again, path) == 12.5
    assert again.step == 7 * 3 * 8
    assert advance(again, 7) == expected
    for ours, theirs in zip(again.parameters, original.parameters, strict=True):
        assert torch.equal(ours, theirs)
    for square, reference in zip(again.mean_squares, original.mean_squares, strict=True):
        assert torch.equal(square, reference)
    np.testing.assert_array_equal(again.observations, original.observations)
    np.testing.assert_array_equal(again.episodes.returns, original.episodes.returns)


def test_only_the_last_two_checkpoints_are_kept(tmp_path: Path) -> None:
    learner = fresh()
    learner.start(0)
    for _ in range(4):
        advance(learner, 1)
        save_learner(learner, tmp_path, 0.0)
    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert names == ["000000000072", "000000000096"]


def test_a_directory_without_checkpoints_has_no_latest(tmp_path: Path) -> None:
    assert latest_checkpoint(tmp_path) is None


def test_another_configuration_is_refused_but_more_steps_are_not(tmp_path: Path) -> None:
    learner = fresh()
    learner.start(0)
    path = saved(tmp_path, learner)
    with pytest.raises(CheckpointError, match=r"config\.discount was 0\.99, this run asks for 0\.9"):
        restore_learner(fresh(config=replace(CONFIG, discount=0.9)), path)
    other = Learner(Catch(8), ActorCritic(LAYOUT, replace(SMALL, hidden=32)), CONFIG)
    with pytest.raises(CheckpointError, match=r"network\.hidden was 64"):
        restore_learner(other, path)
    restore_learner(fresh(config=replace(CONFIG, total_steps=9_000)), path)


def test_another_number_of_environments_is_refused(tmp_path: Path) -> None:
    learner = fresh()
    learner.start(0)
    other = Learner(Catch(4), ActorCritic(LAYOUT, SMALL), CONFIG)
    with pytest.raises(CheckpointError, match="has shape"):
        restore_learner(other, saved(tmp_path, learner))


def test_a_state_the_environment_cannot_take_is_refused(tmp_path: Path) -> None:
    class Other(Catch):
        def get_state(self) -> dict[str, NDArray[Any]]:
            return {"something": np.zeros(1)}

    learner = Learner(Other(8), ActorCritic(LAYOUT, SMALL), CONFIG)
    learner.start(0)
    with pytest.raises(CheckpointError, match="does not fit the environment"):
        restore_learner(fresh(), saved(tmp_path, learner))


def test_an_environment_without_a_state_starts_new_episodes(tmp_path: Path) -> None:
    class Forgetful(Catch):
        get_state = None  # type: ignore[assignment]  # hides it from the protocol

    learner = Learner(Forgetful(8), ActorCritic(LAYOUT, SMALL), CONFIG)
    learner.start(0)
    advance(learner, 1)
    again = Learner(Forgetful(8), ActorCritic(LAYOUT, SMALL), CONFIG)
    restore_learner(again, saved(tmp_path, learner))
    assert again.step == learner.step
    assert not again.episodes.lengths.any()
    assert torch.equal(again.parameters[0], learner.parameters[0])
