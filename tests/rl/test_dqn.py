"""Targets and updates against hand-computed numbers, in both ways of resetting."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from drivesim.rl.a2c import TrainingDiverged
from drivesim.rl.dqn import QLearner, q_targets
from drivesim.rl.dqn_config import DQNConfig, epsilon_at
from drivesim.rl.q_network import QNetwork, QNetworkConfig
from drivesim.rl.replay_buffer import Batch, Following
from tests.rl.catch import LAYOUT, SMALL, Catch
from tests.rl.q_learners import CONFIG, begun, weights
from tests.rl.random_frames import GRAY, TINY, RandomFrames, Step

MODES = [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP]
DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")]
    ),
]


class Recorder(RandomFrames):
    """Keeps what it gave and got."""

    def __init__(self, num_envs: int, mode: AutoresetMode) -> None:
        super().__init__(num_envs, mode)
        self.actions: list[NDArray[np.int64]] = []
        self.steps: list[Step] = []

    def step(self, actions: NDArray[np.int64]) -> Step:
        self.actions.append(actions.copy())
        self.steps.append(super().step(actions))
        return self.steps[-1]


def made_batch(returns: list[float], bootstrap: list[float]) -> Batch:
    """Return two steps with actions 0 and 2 among random pictures."""
    pictures = np.random.default_rng(0).integers(0, 256, (2, 2, *GRAY.observation_shape), dtype=np.uint8)
    actions = np.array([0, 2])
    numbers = (np.array(column, dtype=np.float32) for column in (returns, bootstrap))
    return Batch(pictures[0], actions, next(numbers), pictures[1], next(numbers))


def test_double_q_learning_lets_one_network_choose_and_the_other_value() -> None:
    target = torch.tensor([[1.0, 5.0, -2.0], [4.0, 0.0, 8.0]])
    chooser = torch.tensor([[3.0, 2.0, 1.0], [0.0, 9.0, 8.0]])
    returns, bootstrap = torch.tensor([10.0, -1.0]), torch.tensor([0.5, 0.25])
    double = q_targets(returns, bootstrap, target, chooser)
    assert double.tolist() == [10 + 0.5 * 1, -1 + 0.25 * 0]
    assert q_targets(returns, bootstrap, target, target).tolist() == [10 + 0.5 * 5, -1 + 0.25 * 8]
    assert q_targets(returns, torch.zeros(2), target, chooser).tolist() == [10, -1]  # nothing follows


@pytest.mark.parametrize("is_double", [True, False])
def test_the_loss_is_hubers_of_the_chosen_actions_error(is_double: bool) -> None:
    learner = begun(replace(CONFIG, is_double=is_double))
    with torch.no_grad():  # the target network differs from the trained one
        learner._target.advantage.bias.add_(torch.tensor([1.0, -2.0, 0.5]))
    batch = made_batch([0.3, 5.0], [0.5, 0.0])
    with torch.no_grad():
        now, trained, target = (
            network.head(network.prepare(pictures))
            for network, pictures in (
                (learner.network, batch.observations),
                (learner.network, batch.followings),
                (learner._target, batch.followings),
            )
        )
    best = (trained if is_double else target)[0].argmax()
    errors = [(now[0, 0] - (0.3 + 0.5 * target[0, best])).item(), (now[1, 2] - 5.0).item()]
    assert abs(errors[0]) < 1 < abs(errors[1])
    loss, mean_value = learner._loss(batch)
    assert loss.item() == pytest.approx((0.5 * errors[0] ** 2 + abs(errors[1]) - 0.5) / 2, rel=1e-4)
    assert mean_value == pytest.approx((now[0, 0] + now[1, 2]).item() / 2, rel=1e-4)


def test_a_value_moves_towards_what_was_paid() -> None:
    learner = begun()
    batch = made_batch([5.0, -5.0], [0.0, 0.0])
    features = learner.network.prepare(batch.observations)
    before = learner.network.head(features).detach()
    for _ in range(5):
        learner.update([batch])
    moved = learner.network.head(features).detach() - before
    assert moved[0, 0] > 0 > moved[1, 2]


def test_the_first_step_of_adam_is_the_learning_rate_along_the_gradients_sign() -> None:
    config = replace(CONFIG, max_gradient_norm=1e9)
    learner = begun(config)
    before = weights(learner.network)
    learner.update([made_batch([5.0, -5.0], [0.0, 0.0])])
    for old, parameter in zip(before, learner.parameters, strict=True):
        assert parameter.grad is not None
        step = config.learning_rate * parameter.grad / (parameter.grad.abs() + config.adam_epsilon)
        torch.testing.assert_close(parameter.detach(), old - step, rtol=1e-5, atol=1e-7)


def test_a_later_step_is_shorter() -> None:
    config = replace(CONFIG, max_gradient_norm=1e9)
    learner = begun(config)
    learner.step = config.total_steps // 2
    before = weights(learner.network)
    report = learner.update([made_batch([5.0, -5.0], [0.0, 0.0])])
    assert report["learning_rate"] == config.learning_rate / 2
    for old, parameter in zip(before, learner.parameters, strict=True):
        assert parameter.grad is not None
        step = config.learning_rate / 2 * parameter.grad / (parameter.grad.abs() + config.adam_epsilon)
        torch.testing.assert_close(parameter.detach(), old - step, rtol=1e-5, atol=1e-7)


def test_gradients_are_cut_to_their_greatest_norm() -> None:
    learner = begun(replace(CONFIG, max_gradient_norm=1e-3))
    report = learner.update([made_batch([5.0, -5.0], [0.0, 0.0])])
    assert report["gradient_norm"] > 1e-3
    norm = torch.stack([p.grad.norm() for p in learner.parameters if p.grad is not None]).norm()
    assert norm.item() == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_target_network_is_renewed_when_its_period_has_passed(precision: Any) -> None:
    learner = begun(replace(CONFIG, precision=precision))
    first = weights(learner._target)
    for step in (32, 48, 64):  # a period is 64 steps
        learner.update(learner.collect())
        assert learner.step == step
        is_first = all(torch.equal(a, b) for a, b in zip(weights(learner._target), first, strict=True))
        assert is_first == (step < 64)
    trained = [w.to(learner._dtype).float() for w in weights(learner.network)]
    assert all(torch.equal(a, b) for a, b in zip(weights(learner._target), trained, strict=True))


def test_acting_in_bfloat16_is_what_autocast_would_do_with_the_newest_weights() -> None:
    learner = begun(replace(CONFIG, precision="bfloat16", learning_rate=0.01))
    learner.update(learner.collect())
    features = learner.network.prepare(learner.observations, torch.bfloat16)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        expected = learner.network.head(features)
    assert torch.equal(learner._actor.head(features), expected)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("is_duelling", [True, False])
def test_an_update_moves_every_weight(device: str, is_duelling: bool) -> None:
    learner = begun(replace(CONFIG, device=device), shape=replace(TINY, is_duelling=is_duelling))
    before = weights(learner.network)
    report = learner.update(learner.collect())
    assert all(not torch.equal(a, b) for a, b in zip(before, weights(learner.network), strict=True))
    assert report["epsilon"] == epsilon_at(32, CONFIG)
    assert report["replay_bytes"] == learner.replay.nbytes > CONFIG.replay_frames * 36


@pytest.mark.parametrize("mode", MODES)
def test_the_replay_holds_what_happened(mode: AutoresetMode) -> None:
    env = Recorder(4, mode)
    learner = QLearner(env, QNetwork(GRAY, TINY), CONFIG)
    learner.start(seed=0)
    for _ in range(40):
        learner.collect()
    paid = np.stack([step[1] for step in env.steps])
    terminated, truncated = np.stack([step[2:4] for step in env.steps], axis=1)
    lost = np.stack([step[4]["terminated_for_learning"] for step in env.steps])
    ended = terminated | truncated
    valid = np.ones_like(ended)
    if mode == AutoresetMode.NEXT_STEP:
        valid[1:] = ~ended[:-1]
    assert (lost & ~valid).any() or mode == AutoresetMode.SAME_STEP
    found = learner.replay.followings
    assert (found != Following.UNKNOWN).sum() == valid.sum()
    assert (found == Following.NOTHING).sum() == (terminated | (lost & valid)).sum()
    assert (found == Following.FINAL_STATE).sum() == (truncated & ~lost).sum()
    for column in range(4):
        slots = np.flatnonzero(found[:, column])
        actions = np.stack(env.actions)[valid[:, column], column]
        np.testing.assert_array_equal(learner.replay.actions[slots, column], actions)
        rewards = paid[valid[:, column], column]
        np.testing.assert_array_equal(learner.replay.rewards[slots, column], rewards.clip(-1, 1))
        stacks = learner.replay.stacks(slots, np.full(len(slots), column))
        seen = np.stack([step[0] for step in env.steps])[:-1][valid[1:, column], column]
        np.testing.assert_array_equal(stacks[1:, :, 0], seen)
    learner.episodes.summary()
    running = learner.episodes.returns  # rewards as they were paid since the last real ending
    for column in range(4):
        last = np.flatnonzero(ended[:, column])[-1] + 1
        assert running[column] == (paid * valid)[last:, column].sum()


def test_rewards_are_kept_as_paid_when_asked() -> None:
    learner = begun(replace(CONFIG, clip_rewards=False))
    assert np.abs(learner.replay.rewards).max() > 1


def test_actions_are_the_best_ones_without_exploration_and_any_with_it() -> None:
    config = replace(CONFIG, epsilon_start=0.0, epsilon_end=0.0)
    learner = begun(config, num_envs=16)
    with torch.no_grad():
        best = learner.network.head(learner.network.prepare(learner.observations)).argmax(dim=1)
    np.testing.assert_array_equal(learner._choose(), best.numpy())
    curious = begun(replace(config, epsilon_start=1.0, epsilon_end=1.0), num_envs=16)
    assert set(np.concatenate([curious._choose() for _ in range(9)])) == {0, 1, 2}


@pytest.mark.parametrize(("num_envs", "steps", "updates"), [(4, 16, 1), (16, 16, 1), (32, 32, 2)])
def test_updates_keep_their_ratio_to_steps(num_envs: int, steps: int, updates: int) -> None:
    learner = QLearner(RandomFrames(num_envs), QNetwork(GRAY, TINY), replace(CONFIG, learning_starts=0))
    learner.start(seed=0)
    assert len(learner.collect()) == updates
    assert learner.step == steps


def test_nothing_is_learned_before_learning_starts() -> None:
    learner = QLearner(RandomFrames(4), QNetwork(GRAY, TINY), CONFIG)
    learner.start(seed=0)
    before = weights(learner.network)
    report = learner.update(learner.collect())
    assert learner.step == 16
    assert "value_loss" not in report
    assert all(torch.equal(a, b) for a, b in zip(before, weights(learner.network), strict=True))


def test_a_loss_that_is_not_finite_stops_before_the_weights_change() -> None:
    learner = begun()
    before = weights(learner.network)
    with pytest.raises(TrainingDiverged, match="step 16: the loss"):
        learner.update([made_batch([np.nan, 1.0], [0.0, 0.0])])
    assert all(torch.equal(a, b) for a, b in zip(before, weights(learner.network), strict=True))


def test_values_that_are_not_finite_stop_the_acting() -> None:
    learner = begun(replace(CONFIG, epsilon_start=0.0))
    with torch.no_grad():
        learner.network.value.bias[0] = torch.nan
    with pytest.raises(TrainingDiverged, match="step 16: an action value"):
        learner.collect()


def test_an_environment_that_does_not_fit_is_refused() -> None:
    network = QNetwork(GRAY, TINY)
    with pytest.raises(ValueError, match="DISABLED"):
        QLearner(RandomFrames(1, AutoresetMode.DISABLED), network, CONFIG)
    for num_envs in (6, 24):
        with pytest.raises(ValueError, match=f"steps_per_update=16 and {num_envs} environments"):
            QLearner(RandomFrames(num_envs), network, CONFIG)
    with pytest.raises(ValueError, match="at least 10 are needed"):
        QLearner(RandomFrames(4), network, replace(CONFIG, replay_frames=39))
    env = RandomFrames(4)
    env.single_action_space = Discrete(18)
    with pytest.raises(ValueError, match="18 actions, the network 3"):
        QLearner(env, network, CONFIG)
    env.single_observation_space = Box(0, 1, (4, 6, 6))
    with pytest.raises(ValueError, match="expected uint8"):
        QLearner(env, network, CONFIG)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.slow
def test_catch_is_learned(device: str, precision: Any) -> None:
    config = DQNConfig(
        total_steps=8_000,
        batch_size=64,
        learning_rate=7e-3,
        target_period=320,
        epsilon_steps=3_000,
        learning_starts=500,
        replay_frames=20_000,
        device=device,
        precision=precision,
    )
    shape = QNetworkConfig(3, convolutions=SMALL.convolutions, hidden=64, palette=SMALL.palette)
    learner = QLearner(Catch(16), QNetwork(LAYOUT, shape), config)
    learner.start(config.seed)
    while learner.step < config.total_steps:
        learner.update(learner.collect())
        if learner.step == 6_400:
            learner.episodes.summary()  # leaves the last fifth to be averaged
    assert (learner.episodes.summary()["mean_return"] or -1) > 0.8
