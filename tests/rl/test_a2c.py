"""Losses and updates against hand-computed numbers, in both ways of resetting."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from drivesim.rl.a2c import A2CConfig, Learner, TrainingDiverged, rmsprop_step
from drivesim.rl.learner import LEARNING_END
from drivesim.rl.networks import ActorCritic
from drivesim.rl.rollout import generalized_advantages
from tests.rl.catch import LAYOUT, SMALL, Catch, Step
from tests.rl.test_rollout import column, mask

DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")]
    ),
]


def test_rmsprop_divides_by_the_root_of_the_running_mean_square() -> None:
    weight, square = torch.nn.Parameter(torch.tensor([1.0, -2.0])), torch.tensor([0.0, 1.0])
    weight.grad = torch.tensor([0.5, -3.0])
    rmsprop_step([weight], [square], A2CConfig(), 0.1)
    # 0.01 * 0.25 = 0.0025 and 0.99 + 0.01 * 9 = 1.08
    torch.testing.assert_close(square, torch.tensor([0.0025, 1.08]))
    expected = [1 - 0.1 * 0.5 / (0.05 + 1e-5), -2 + 0.1 * 3 / (1.08**0.5 + 1e-5)]
    torch.testing.assert_close(weight.detach(), torch.tensor(expected))


class Corridor(Catch):
    """Pays 1 a step and cuts every episode off after two; the picture holds the number of steps taken."""

    clock = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed, options=options)
        self.clock = 0
        return self._view(0), {}

    def step(self, actions: NDArray[np.int64]) -> Step:
        del actions
        is_same_step = self.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
        self.clock += 1
        is_reset = self.clock == 3
        clock, self.clock = self.clock, self.clock % 3
        ended = np.full(self.num_envs, clock == 2)
        infos = {}
        if is_same_step and clock == 2:
            infos, self.clock = {"final_obs": self._view(2)}, 0
        rewards = np.full(self.num_envs, 0.0 if is_reset else 1.0, dtype=np.float32)
        return self._view(self.clock), rewards, np.zeros_like(ended), ended, infos

    def _view(self, clock: int) -> NDArray[np.uint8]:
        return np.full((self.num_envs, *LAYOUT.observation_shape), clock, dtype=np.uint8)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_a_rollout_bootstraps_from_the_final_state(mode: AutoresetMode) -> None:
    network = ActorCritic(LAYOUT, SMALL)
    env = Corridor(2, mode)
    learner = Learner(env, network, A2CConfig(num_steps=5))
    learner.start(seed=0)
    transitions = learner.collect().transitions
    with torch.no_grad():
        v0, v1, v2 = (network.head(network.prepare(env._view(k)[:1])).value.item() for k in range(3))
    if mode == AutoresetMode.NEXT_STEP:  # states 0 1 2 | 0 1, the step from 2 being the reset
        values, following, valid = [v0, v1, v2, v0, v1], [v1, v2, v0, v1, v2], [1, 1, 0, 1, 1]
    else:
        values, following, valid = [v0, v1, v0, v1, v0], [v1, v2, v1, v2, v1], [1, 1, 1, 1, 1]
    np.testing.assert_allclose(transitions.values[:, 1], values, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(transitions.next_values[:, 1], following, rtol=1e-5, atol=1e-6)
    assert transitions.valid[:, 1].tolist() == [bool(v) for v in valid]
    assert not transitions.terminated.any()
    assert transitions.truncated[:, 0].tolist() == [s == v2 for s in following]
    assert learner.episodes.summary()["mean_length"] == 2.0


def test_a_lost_life_ends_learning_but_not_the_episode() -> None:
    class Mortal(Corridor):
        def step(self, actions: NDArray[np.int64]) -> Step:
            *rest, infos = super().step(actions)
            return (*rest, {**infos, LEARNING_END: np.arange(2) == 0})  # type: ignore[return-value]  # as above

    learner = Learner(Mortal(2), ActorCritic(LAYOUT, SMALL), A2CConfig(num_steps=5))
    learner.start(seed=0)
    transitions = learner.collect().transitions
    assert transitions.terminated[:, 0].tolist() == [True, True, False, True, True]  # the third only resets
    assert not transitions.truncated[:, 0].any()
    assert transitions.truncated[:, 1].tolist() == [False, True, False, False, True]
    assert learner.episodes.summary()["mean_length"] == 2.0


def test_rewards_are_cut_for_learning_only_when_asked_and_told_as_paid() -> None:
    class Generous(Corridor):
        def step(self, actions: NDArray[np.int64]) -> Step:
            observations, rewards, *rest = super().step(actions)
            return (observations, rewards * np.array([5, -0.5], np.float32), *rest)  # type: ignore[return-value]  # as above

    for clips, expected in ((True, 1.0), (False, 5.0)):
        learner = Learner(Generous(2), ActorCritic(LAYOUT, SMALL), A2CConfig(num_steps=2, clip_rewards=clips))
        learner.start(seed=0)
        assert learner.collect().transitions.rewards.tolist() == [[expected, -0.5]] * 2
        assert learner.episodes.summary()["mean_return"] == (10 - 1) / 2


def test_a_rollout_keeps_what_the_network_was_given() -> None:
    learner = Learner(Catch(4), ActorCritic(LAYOUT, SMALL), A2CConfig(num_steps=3))
    learner.start(seed=0)
    rollout = learner.collect()
    again = learner.network.head(torch.cat(rollout.features))
    torch.testing.assert_close(again.policy, rollout.policy)
    torch.testing.assert_close(again.value, rollout.values)


def test_losses_are_those_of_the_formula() -> None:
    learner = Learner(Catch(1), ActorCritic(LAYOUT, SMALL), A2CConfig(num_steps=2))
    learner.start(seed=0)
    rollout = learner.collect()
    transitions = replace(
        rollout.transitions,
        rewards=column(1, 5),
        values=column(0.5, 9),
        next_values=column(0, 9),
        terminated=mask(True, False),
        valid=mask(True, False),
    )
    logits = torch.log(torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])).requires_grad_()
    values = torch.tensor([0.5, 9.0], requires_grad=True)
    made = replace(
        rollout, transitions=transitions, policy=logits, values=values, actions=torch.tensor([0, 1])
    )
    advantages = generalized_advantages(transitions, 0.99, 0.95)
    losses = learner._losses(made, advantages)
    assert losses["policy_loss"].item() == pytest.approx(-0.5 * np.log(0.5))
    assert losses["value_loss"].item() == pytest.approx(0.25)
    assert losses["entropy"].item() == pytest.approx(1.5 * np.log(2))
    losses["value_loss"].backward()  # type: ignore[no-untyped-call]
    assert values.grad is not None
    assert values.grad.tolist() == [-1.0, 0.0]  # the reset step teaches nothing


def test_a_policy_shifts_towards_what_paid() -> None:
    learner = Learner(Catch(32), ActorCritic(LAYOUT, SMALL), A2CConfig(num_steps=5))
    learner.start(seed=0)
    rollout = learner.collect()
    state = learner.network.prepare(Catch(1).reset(seed=0)[0])
    before = learner.network.head(state).policy.softmax(dim=1)[0, 2].item()
    rewards = np.where(rollout.actions.view(5, 32).numpy() == 2, 1, -1).astype(np.float32)
    report = learner.update(replace(rollout, transitions=replace(rollout.transitions, rewards=rewards)))
    assert learner.network.head(state).policy.softmax(dim=1)[0, 2].item() > before
    assert report["learning_rate"] == pytest.approx(7e-4)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.slow
def test_catch_is_learned(device: str, precision: Any) -> None:
    config = A2CConfig(total_steps=40_000, learning_rate=3e-3, device=device, precision=precision)
    learner = Learner(Catch(32), ActorCritic(LAYOUT, SMALL), config)
    learner.start(config.seed)
    while learner.step < config.total_steps:
        learner.update(learner.collect())
        if learner.step == 30_208:
            learner.episodes.summary()  # leaves the last quarter to be averaged
    assert (learner.episodes.summary()["mean_return"] or -1) > 0.8


@pytest.mark.parametrize("device", DEVICES)
def test_an_update_moves_every_weight(device: str) -> None:
    config = A2CConfig(device=device, normalise_advantages=True)
    learner = Learner(Catch(16), ActorCritic(LAYOUT, SMALL), config)
    learner.start(seed=0)
    before = [parameter.detach().clone() for parameter in learner.parameters]
    learner.update(learner.collect())
    assert all(
        not torch.equal(old, new.detach()) for old, new in zip(before, learner.parameters, strict=True)
    )


def test_a_loss_that_is_not_finite_stops_before_the_weights_change() -> None:
    learner = Learner(Catch(4), ActorCritic(LAYOUT, SMALL), A2CConfig())
    learner.start(seed=0)
    rollout = learner.collect()
    rollout.transitions.rewards[0, 0] = np.nan
    before = [parameter.detach().clone() for parameter in learner.parameters]
    with pytest.raises(TrainingDiverged, match="step 32"):
        learner.update(rollout)
    assert all(torch.equal(old, new.detach()) for old, new in zip(before, learner.parameters, strict=True))


def test_a_policy_that_is_not_finite_stops_the_rollout() -> None:
    learner = Learner(Catch(4), ActorCritic(LAYOUT, SMALL), A2CConfig())
    learner.start(seed=0)
    with torch.no_grad():
        learner.network.policy.bias[0] = torch.nan
    with pytest.raises(TrainingDiverged, match="step 0"):
        learner.collect()


def test_an_environment_that_does_not_fit_is_refused() -> None:
    network = ActorCritic(LAYOUT, SMALL)
    with pytest.raises(ValueError, match="DISABLED"):
        Learner(Catch(1, AutoresetMode.DISABLED), network, A2CConfig())
    env = Catch(1)
    env.single_action_space = Discrete(4)
    with pytest.raises(ValueError, match="4 actions, the network 3"):
        Learner(env, network, A2CConfig())
    env.single_action_space = Box(-1, 1, (3,))
    with pytest.raises(ValueError, match="cannot act"):
        Learner(env, network, A2CConfig())
    env.single_observation_space = Box(0, 1, (3,))
    with pytest.raises(ValueError, match="expected uint8"):
        Learner(env, network, A2CConfig())


def test_continuous_actions_are_drawn_within_bounds_and_learned_from() -> None:
    class Steering(Catch):
        def step(self, actions: NDArray[Any]) -> Step:
            assert actions.shape == (self.num_envs, 2)
            assert np.abs(actions).max() <= 0.1
            return super().step(np.ones(self.num_envs, dtype=np.int64))

    env = Steering(8)
    env.single_action_space = Box(-0.1, 0.1, (2,))
    learner = Learner(env, ActorCritic(LAYOUT, replace(SMALL, actions=2, continuous=True)), A2CConfig())
    learner.start(seed=0)
    report = learner.update(learner.collect())
    assert report["entropy"] == pytest.approx(np.log(2 * np.pi * np.e))
    assert learner.network.log_std.detach().abs().max() > 0
