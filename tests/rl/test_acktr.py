"""Natural gradients in a trust region against hand-computed numbers, and learning by them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from torch import Tensor

from drivesim.rl.a2c import Learner, TrainingDiverged
from drivesim.rl.acktr import ACKTRConfig, TrustRegion, drawn_log_likelihood, step_size
from drivesim.rl.descent import Think
from drivesim.rl.networks import ActorCritic
from drivesim.rl.rollout import Rollout
from tests.rl.catch import LAYOUT, SMALL, Catch
from tests.rl.test_a2c import DEVICES

QUICK = ACKTRConfig(num_steps=8, trust_region=0.03, damping=1e-3)
"""Steps that suit a toy of few updates."""


def begun(config: ACKTRConfig = QUICK, num_envs: int = 16) -> Learner:
    learner = Learner(Catch(num_envs), ActorCritic(LAYOUT, SMALL), config)
    learner.start(config.seed)
    return learner


def weights(learner: Learner) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in learner.parameters]


def test_a_step_ends_at_the_trust_region_or_at_the_most() -> None:
    assert step_size(0.5, 0.01, 1.0) == pytest.approx(0.2)  # sqrt(2 * 0.01 / 0.5)
    assert step_size(0.5, 0.01, 0.1) == 0.1
    assert step_size(0.0, 0.01, 0.25) == 0.25


def test_the_fisher_matrix_of_drawn_outputs_is_that_of_policy_and_value() -> None:
    states = 50_000
    logits = torch.log(torch.tensor([0.7, 0.2, 0.1])).repeat(states, 1).requires_grad_()
    values = torch.full((states,), 5.0, requires_grad=True)
    total = drawn_log_likelihood(logits, values, False, torch.Generator().manual_seed(0))
    of_policy, of_value = torch.autograd.grad(total, [logits, values])
    p = torch.tensor([0.7, 0.2, 0.1])
    fisher = of_policy.T @ of_policy / states
    torch.testing.assert_close(fisher, torch.diag(p) - torch.outer(p, p), rtol=0, atol=6e-3)
    assert (of_value**2).mean().item() == pytest.approx(1.0, abs=0.03)
    assert (of_policy[:, 0] * of_value).mean().item() == pytest.approx(0.0, abs=0.01)


def test_a_continuous_policys_deviation_has_a_fisher_information_of_two() -> None:
    policy = torch.tensor([[0.3, -0.5]]).repeat(50_000, 1).requires_grad_()  # mean, log deviation
    total = drawn_log_likelihood(policy, torch.zeros(50_000), True, torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad(total, [policy])
    fisher = (gradient**2).mean(dim=0)
    assert fisher.tolist() == pytest.approx([math.exp(1.0), 2.0], rel=0.05)


def test_a_step_of_both_heads_moves_the_outputs_as_far_as_the_trust_region_allows() -> None:
    # A head's block is nearly exact; in deeper layers inputs and gradients depend on each other.
    config = replace(QUICK, trust_region=1e-4, damping=1e-6, momentum=0.0, curvature_every=1)
    learner = begun(config, num_envs=64)
    rollout = learner.collect()
    loss = rollout.policy.log_softmax(dim=1)[:, 0].mean() + rollout.values.mean()
    loss.backward()  # type: ignore[no-untyped-call]
    learner.descent.measure(rollout)
    for parameter in learner.network.trunk.parameters():
        parameter.grad = torch.zeros_like(parameter)
    learner.descent.step(rate=1e9)
    with torch.no_grad():
        policy, values = learner.network.head(torch.cat(rollout.features))
        before = rollout.policy.detach().log_softmax(dim=1)
        of_policy = (before.exp() * (before - policy.log_softmax(dim=1))).sum(dim=1)
        of_value = 0.5 * (values - rollout.values.detach()) ** 2
    assert (of_policy + of_value).mean().item() == pytest.approx(1e-4, rel=0.2)
    assert of_policy.mean() > 1e-5
    assert of_value.mean() > 1e-5
    assert (values < rollout.values).all()


def test_velocity_is_the_mean_of_past_steps() -> None:
    learner = begun(replace(QUICK, inverse_every=100))
    descent = learner.descent
    assert isinstance(descent, TrustRegion)
    rollout = learner.collect()
    before = weights(learner)
    learner.update(rollout)
    first = [old - new for old, new in zip(before, weights(learner), strict=True)]
    middle = weights(learner)
    descent.step(0.25)  # the same gradients again, at the same curvature
    second = [old - new for old, new in zip(middle, weights(learner), strict=True)]
    for one, two in zip(first, second, strict=True):  # a tenth of the step, then 0.1 + 0.9 * 0.1
        torch.testing.assert_close(two, 1.9 * one, rtol=1e-2, atol=1e-6)


@pytest.mark.parametrize("device", DEVICES)
def test_an_update_moves_every_weight(device: str) -> None:
    learner = begun(replace(QUICK, device=device))
    before = weights(learner)
    report = learner.update(learner.collect())
    assert all(not torch.equal(old, new) for old, new in zip(before, weights(learner), strict=True))
    assert 0 < report["step_size"] <= report["learning_rate"] == pytest.approx(0.25)


def test_the_fisher_matrix_is_taken_at_every_so_many_steps() -> None:
    learner = begun(replace(QUICK, num_steps=5, curvature_every=2), num_envs=4)
    given: list[int] = []
    think: Think = learner._think

    def spy(features: Tensor) -> Any:
        given.append(len(features))
        return think(features)

    learner.descent = learner.config.make_descent(learner.network, spy, learner.generator)
    learner.update(learner.collect())
    assert given == [3 * 4]


def test_what_is_not_finite_stops_before_the_weights_change() -> None:
    for spoiled in ("reward", "curvature"):
        learner = begun()
        rollout = learner.collect()
        if spoiled == "reward":
            rollout.transitions.rewards[0, 0] = np.nan
        else:
            learner.network.value.bias.data.fill_(torch.inf)
        before = weights(learner)
        with pytest.raises(TrainingDiverged, match="step 128"):
            learner.update(rollout)
        assert all(torch.equal(old, new) for old, new in zip(before, weights(learner), strict=True))


def test_continuous_actions_are_learned_from() -> None:
    class Steering(Catch):
        def step(self, actions: Any) -> Any:
            return super().step(np.full(self.num_envs, int(actions[0, 0] > 0)))

    env = Steering(8)
    env.single_action_space = Box(-1, 1, (2,))
    network = ActorCritic(LAYOUT, replace(SMALL, actions=2, continuous=True))
    learner = Learner(env, network, QUICK)
    learner.start(seed=0)
    learner.update(learner.collect())
    assert network.log_std.detach().abs().min() > 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("num_steps", 0), ("trust_region", 0.0), ("damping", math.nan), ("momentum", 1.0), ("inverse_every", 0)],
)
def test_settings_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value}, it must"):
        ACKTRConfig(**{name: value})  # type: ignore[arg-type]  # a count or a share


class Plain:
    """Descends along the gradient itself, with the same momentum."""

    def __init__(self, network: ActorCritic, momentum: float) -> None:
        self.parameters = list(network.parameters())
        self.velocities = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.momentum = momentum

    def measure(self, rollout: Rollout) -> dict[str, float]:
        del rollout
        return {}

    @torch.no_grad()
    def step(self, rate: float) -> dict[str, float]:
        for parameter, velocity in zip(self.parameters, self.velocities, strict=True):
            assert parameter.grad is not None
            velocity.mul_(self.momentum).add_(parameter.grad, alpha=(1 - self.momentum) * rate)
            parameter.sub_(velocity)
        return {}

    def memory(self) -> dict[str, Tensor]:
        return {}


def score(learner: Learner, updates: int) -> float:
    """Return the mean return of the episodes in the last quarter of some updates."""
    for update in range(updates):
        if update == updates * 3 // 4:
            learner.episodes.summary()
        learner.update(learner.collect())
    return learner.episodes.summary()["mean_return"] or -1.0


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.slow
def test_catch_is_learned_in_fewer_updates_than_by_plain_gradients(device: str, precision: Any) -> None:
    config = replace(QUICK, device=device, precision=precision)
    assert score(begun(config, num_envs=32), 60) > 0.4
    plain = begun(replace(config, learning_rate=0.5), num_envs=32)
    plain.descent = Plain(plain.network, config.momentum)
    assert score(plain, 60) < -0.4  # as bad as at the start, -0.65, and so at rates of 0.1, 1 and 3
