"""A learner, of either kind, that was saved and restored continues bit for bit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from drivesim.rl.a2c import A2CConfig, Learner
from drivesim.rl.acktr import ACKTRConfig
from drivesim.rl.checkpoint import CheckpointError
from drivesim.rl.dqn import QLearner
from drivesim.rl.dqn_config import DQNConfig
from drivesim.rl.networks import ActorCritic
from drivesim.rl.q_network import QNetwork
from drivesim.rl.resume import latest_checkpoint, restore_learner, save_learner
from tests.rl.catch import LAYOUT, SMALL, Catch
from tests.rl.random_frames import GRAY, TINY, RandomFrames

CONFIG = A2CConfig(total_steps=2_000, num_steps=3, seed=5)
ACKTR = ACKTRConfig(total_steps=2_000, num_steps=3, seed=5, curvature_every=2, inverse_every=3)
DQN = DQNConfig(
    batch_size=8, steps_per_update=16, learning_starts=64, replay_frames=400, target_period=96, seed=3
)


def fresh(mode: AutoresetMode = AutoresetMode.NEXT_STEP, config: A2CConfig | ACKTRConfig = CONFIG) -> Learner:
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
@pytest.mark.parametrize("settings", [CONFIG, ACKTR], ids=["a2c", "acktr"])
def test_a_restored_learner_continues_bit_for_bit(
    tmp_path: Path, mode: AutoresetMode, precision: Any, settings: A2CConfig | ACKTRConfig
) -> None:
    config = replace(settings, precision=precision)
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
    for name, tensor in original.memory().items():
        assert torch.equal(again.memory()[name], tensor), name
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


def test_a_checkpoint_from_before_rewards_could_be_cut_learns_from_them_as_paid(tmp_path: Path) -> None:
    learner = fresh()
    learner.start(0)
    path = saved(tmp_path, learner)
    header = json.loads((path / "state.json").read_text())
    del header["metadata"]["config"]["clip_rewards"]
    (path / "state.json").write_text(json.dumps(header))
    restore_learner(fresh(), path)
    with pytest.raises(CheckpointError, match=r"clip_rewards was False, this run asks for True"):
        restore_learner(fresh(config=replace(CONFIG, clip_rewards=True)), path)


def test_a2c_does_not_go_on_from_acktr(tmp_path: Path) -> None:
    learner = fresh(config=ACKTR)
    learner.start(0)
    with pytest.raises(CheckpointError, match=r"config\.learning_rate was 0\.25"):
        restore_learner(fresh(), saved(tmp_path, learner))


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


def fresh_dqn(mode: AutoresetMode = AutoresetMode.NEXT_STEP, config: DQNConfig = DQN) -> QLearner:
    return QLearner(RandomFrames(8, mode), QNetwork(GRAY, TINY), config)


def advance_dqn(learner: QLearner, updates: int) -> list[dict[str, float]]:
    return [learner.update(learner.collect()) for _ in range(updates)]


def trained_dqn(config: DQNConfig = DQN, updates: int = 9) -> QLearner:
    learner = fresh_dqn(config=config)
    learner.start(config.seed)
    advance_dqn(learner, updates)
    return learner


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("updates", [2, 9, 60])  # before learning starts, before the ring is full, after
def test_a_dqn_whose_replay_was_saved_continues_bit_for_bit(
    tmp_path: Path, mode: AutoresetMode, precision: Any, updates: int
) -> None:
    config = replace(DQN, precision=precision)
    original = fresh_dqn(mode, config)
    original.start(config.seed)
    advance_dqn(original, updates)
    save_learner(original, tmp_path, 1.5)
    expected = advance_dqn(original, 9)
    again = fresh_dqn(mode, config)
    assert restore_learner(again, tmp_path / "checkpoints" / f"{16 * updates:012d}") == 1.5
    assert advance_dqn(again, 9) == expected
    assert again.refills == []
    for name, tensor in original.memory().items():
        assert torch.equal(again.memory()[name], tensor), name
    for ours, theirs in zip(again.parameters, original.parameters, strict=True):
        assert torch.equal(ours, theirs)
    for name, array in original.replay.arrays().items():
        np.testing.assert_array_equal(again.replay.arrays()[name], array)


def test_a_replay_that_was_not_saved_is_refilled_before_learning_goes_on(tmp_path: Path) -> None:
    original = trained_dqn()
    held = original.replay.held
    save_learner(original, tmp_path, 0.0, saved_replay_bytes=1000)
    path = latest_checkpoint(tmp_path)
    assert path is not None
    assert sorted(file.name for file in path.iterdir()) == ["state.json", "state.safetensors"]
    again = fresh_dqn()
    restore_learner(again, path)
    np.testing.assert_array_equal(again.observations, original.observations)
    assert again.refills == [{"step": 144, "frames": held}]
    reports = []
    while again.step == 144:
        assert again.replay.held < held + 16 * 5
        reports.append(again.update(again.collect()))
    assert again.replay.held >= held
    assert len(reports) > 3
    assert all("value_loss" not in report for report in reports[:-2])
    assert reports[0]["frames_missing"] > reports[-3]["frames_missing"] > 0
    assert reports[0]["epsilon"] == reports[-2]["epsilon"]
    assert "frames_missing" not in reports[-1]
    assert "value_loss" in reports[-1]


def test_a_refill_that_was_interrupted_begins_again(tmp_path: Path) -> None:
    original = trained_dqn()
    held = original.replay.held
    save_learner(original, tmp_path, 0.0, saved_replay_bytes=0)
    for _ in range(2):
        again = fresh_dqn()
        restore_learner(again, tmp_path / "checkpoints" / "000000000144")
        advance_dqn(again, 2)
        assert again.step == 144
        save_learner(again, tmp_path, 0.0)  # a replay in refilling is not worth saving
    assert again.refills == [{"step": 144, "frames": held}]
    while again.step < 160:
        advance_dqn(again, 1)
    save_learner(again, tmp_path, 0.0, saved_replay_bytes=0)
    third = fresh_dqn()
    restore_learner(third, tmp_path / "checkpoints" / "000000000160")
    assert [refill["step"] for refill in third.refills] == [144, 160]


def test_a_saved_replay_goes_on_with_new_episodes_where_the_environment_forgets(tmp_path: Path) -> None:
    class Forgetful(RandomFrames):
        get_state = None  # type: ignore[assignment]  # hides it from the protocol

    learner = QLearner(Forgetful(8), QNetwork(GRAY, TINY), DQN)
    learner.start(0)
    advance_dqn(learner, 6)
    again = QLearner(Forgetful(8), QNetwork(GRAY, TINY), DQN)
    restore_learner(again, saved_dqn(tmp_path, learner))
    assert again.replay.held == learner.replay.held + 8 * 4
    np.testing.assert_array_equal(again.replay.latest[:, :, 0], again.observations)
    ends = again.replay.written - 5  # the last states of before, in which nothing was done
    _, weights, after = again.replay.follow(ends, np.arange(8), 3, 0.5)
    np.testing.assert_array_equal(after, ends)
    assert weights.tolist() == [1.0] * 8
    assert "value_loss" in advance_dqn(again, 1)[0]


def saved_dqn(tmp_path: Path, learner: QLearner) -> Path:
    save_learner(learner, tmp_path, 0.0)
    path = latest_checkpoint(tmp_path)
    assert path is not None
    return path


def test_a_damaged_replay_is_named(tmp_path: Path) -> None:
    path = saved_dqn(tmp_path, trained_dqn())
    file = path / "replay.frames.npy"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(CheckpointError, match=r"replay\.frames\.npy: truncated or altered"):
        restore_learner(fresh_dqn(), path)
    file.unlink()
    with pytest.raises(CheckpointError, match=r"replay\.frames\.npy: cannot be read"):
        restore_learner(fresh_dqn(), path)


def test_another_algorithms_checkpoint_is_refused(tmp_path: Path) -> None:
    path = saved_dqn(tmp_path, trained_dqn())
    with pytest.raises(CheckpointError, match=r"config\.num_steps was None"):
        restore_learner(fresh(), path)
    with pytest.raises(CheckpointError, match=r"config\.replay_frames was 400, this run asks for 800"):
        restore_learner(fresh_dqn(config=replace(DQN, replay_frames=800)), path)
    header = json.loads((path / "state.json").read_text())
    header["metadata"]["replay"] = {"frames": "many"}
    (path / "state.json").write_text(json.dumps(header))
    with pytest.raises(CheckpointError, match=r"state\.json: replay or its frames is missing"):
        restore_learner(fresh_dqn(), path)
