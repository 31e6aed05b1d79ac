"""Synchronous advantage actor-critic: Mnih et al. (2016), with the conventions of Kostrikov's implementation.

Acting and learning share one forward pass: weights do not change within a rollout, so the outputs that chose
the actions are kept with their graph and the update only runs backwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray
from torch import Tensor, nn

from drivesim.rl.descent import Descent, Settings, Think
from drivesim.rl.distributions import entropy, log_probability, sample
from drivesim.rl.episodes import EpisodeStatistics
from drivesim.rl.learner import check_environment, learning_ends
from drivesim.rl.networks import ActorCritic, PolicyValue
from drivesim.rl.rollout import Rollout, Transitions, generalized_advantages


class TrainingDiverged(Exception):
    """A loss or gradient is not finite; the message names the step."""


@dataclass(frozen=True)
class A2CConfig(Settings):
    """How to learn. The defaults are Kostrikov's, but for the rollout's length and the smoothing by GAE."""

    rmsprop_alpha: float = 0.99
    rmsprop_epsilon: float = 1e-5
    max_gradient_norm: float = 0.5

    def make_descent(self, network: ActorCritic, think: Think, generator: torch.Generator) -> Descent:
        """Return RMSprop, which needs no second look and draws nothing."""
        del think, generator
        return RMSprop(network, self)


@torch.no_grad()
def rmsprop_step(
    parameters: Sequence[Tensor], mean_squares: Sequence[Tensor], config: A2CConfig, rate: float
) -> None:
    """Descend along the gradients, each divided by the root of its running mean square (Hinton 2012).

    Args:
        parameters: changed in place; each has a gradient.
        mean_squares: changed in place, of the same shapes.
        config: gives alpha and epsilon.
        rate: the learning rate.
    """
    for parameter, mean_square in zip(parameters, mean_squares, strict=True):
        gradient = parameter.grad
        assert gradient is not None
        mean_square.mul_(config.rmsprop_alpha).addcmul_(gradient, gradient, value=1 - config.rmsprop_alpha)
        parameter.addcdiv_(gradient, mean_square.sqrt().add_(config.rmsprop_epsilon), value=-rate)


class RMSprop:
    """Descends along clipped gradients by `rmsprop_step`; the weights of `network` change in place."""

    def __init__(self, network: ActorCritic, config: A2CConfig) -> None:
        self._config = config
        self._parameters = list(network.parameters())
        self._mean_squares = [torch.zeros_like(parameter) for parameter in self._parameters]

    def measure(self, rollout: Rollout) -> dict[str, float]:
        """Clip the gradients; see `Descent`."""
        del rollout
        norm = nn.utils.clip_grad_norm_(self._parameters, self._config.max_gradient_norm)
        return {"gradient_norm": norm.item()}

    def step(self, rate: float) -> dict[str, float]:
        """Descend; see `Descent`."""
        rmsprop_step(self._parameters, self._mean_squares, self._config, rate)
        return {"learning_rate": rate}

    def memory(self) -> dict[str, Tensor]:
        """Return the running mean squares."""
        return {f"mean_square.{i}": square for i, square in enumerate(self._mean_squares)}


class Learner:
    """Owns everything that changes while learning, but the environments' own state.

    Args:
        env: vector environment with uint8 observations of the network's layout.
        network: moved to the configured device and trained in place.
        config: how to learn, by RMSprop or another `Descent`.

    Raises:
        ValueError: the environment does not fit the network, or does not reset itself.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], network: ActorCritic, config: Settings) -> None:
        shape = network.config
        mode = check_environment(env, network.layout, shape.actions, shape.continuous)
        self.env = env
        self.network = network.to(config.device).train()
        self.config = config
        self.step = 0
        self.parameters = list(network.parameters())
        self.generator = torch.Generator(device=config.device).manual_seed(config.seed)
        self.descent = config.make_descent(self.network, self._think, self.generator)
        self.episodes = EpisodeStatistics(env.num_envs)
        self.observations = np.zeros(0, dtype=np.uint8)
        self.is_resetting = np.zeros(env.num_envs, dtype=np.bool_)
        self._features = torch.zeros(0)
        self._resets_within_step = mode == AutoresetMode.SAME_STEP
        self._dtype = torch.bfloat16 if config.precision == "bfloat16" else torch.float32

    @property
    def agent(self) -> ActorCritic:
        """What the run's agent is."""
        return self.network

    def start(self, seed: int | None) -> None:
        """Reset all environments and look at them; without a seed they start wherever chance has it."""
        observations, _ = self.env.reset(seed=seed)
        self.look(observations, np.zeros(self.env.num_envs, dtype=np.bool_))

    def look(self, observations: NDArray[np.uint8], is_resetting: NDArray[np.bool_]) -> None:
        """Take what to act on next (N, T, M, H, W), and whether the next step only resets (N,)."""
        self.observations = observations
        self.is_resetting = is_resetting
        self._features = self.network.prepare(observations, self._dtype)

    def collect(self) -> Rollout:
        """Step all environments `num_steps` times.

        Raises:
            TrainingDiverged: the policy's output is not finite.
        """
        with self._rounding():  # around all of it, so that weights are rounded once, not once a step
            return self._collect()

    def _collect(self) -> Rollout:
        policies, values, actions, columns, features = [], [], [], [], []
        for _ in range(self.config.num_steps):
            features.append(self._features)
            policy, value = self._think(self._features)
            if not policy.isfinite().all():
                raise TrainingDiverged(f"step {self.step}: the policy's output is not finite")
            with torch.no_grad():
                action = sample(policy, self.network.config.continuous, self.generator)
            columns.append(self._step(action))
            policies.append(policy)
            values.append(value)
            actions.append(action)
        with torch.no_grad():
            last = self._think(self._features)[1]
        estimates = torch.stack([v.detach() for v in values] + [last]).cpu().numpy()
        rewards, terminated, truncated, valid, final_values = (
            np.stack(c) for c in zip(*columns, strict=True)
        )
        next_values = np.where(np.isnan(final_values), estimates[1:], final_values)
        transitions = Transitions(rewards, estimates[:-1], next_values, terminated, truncated, valid)
        self.step += self.config.num_steps * self.env.num_envs
        return Rollout(
            transitions, torch.cat(actions), torch.cat(policies), torch.cat(values), tuple(features)
        )

    def update(self, rollout: Rollout) -> dict[str, float]:
        """Descend once along the gradient of a rollout's loss.

        Returns:
            policy_loss, value_loss, entropy, and what the descent reports: gradient_norm, learning_rate.

        Raises:
            TrainingDiverged: the loss or its gradient is not finite; the weights are then left as they were.
        """
        config = self.config
        advantages = generalized_advantages(rollout.transitions, config.discount, config.gae_lambda)
        losses = self._losses(rollout, advantages)
        total = (
            losses["policy_loss"]
            + config.value_coefficient * losses["value_loss"]
            - config.entropy_coefficient * losses["entropy"]
        )
        self.network.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        report = {name: loss.item() for name, loss in losses.items()} | self.descent.measure(rollout)
        if not np.isfinite([total.item(), *report.values()]).all():
            raise TrainingDiverged(f"step {self.step}: the loss or its gradient is not finite: {report}")
        progress = (self.step - len(rollout.values)) / config.total_steps
        rate = config.learning_rate * max(0.0, 1 - progress)
        return report | self.descent.step(rate)

    def memory(self) -> dict[str, Tensor]:
        """Return what an update depends on besides weights and experience, live: copying into it restores."""
        return self.descent.memory()

    def _losses(self, rollout: Rollout, advantages: NDArray[np.float32]) -> dict[str, Tensor]:
        device = rollout.values.device
        targets = torch.from_numpy(advantages + rollout.transitions.values).flatten().to(device)
        weights = torch.from_numpy(rollout.transitions.valid).flatten().to(device, torch.float32)
        weights = weights / weights.sum().clamp(min=1)
        advantage = torch.from_numpy(advantages).flatten().to(device)
        if self.config.normalise_advantages:
            mean = (weights * advantage).sum()
            deviation = (weights * (advantage - mean) ** 2).sum().sqrt()
            advantage = (advantage - mean) / (deviation + 1e-8)
        continuous = self.network.config.continuous
        chosen = log_probability(rollout.policy, rollout.actions, continuous)
        return {
            "policy_loss": -(weights * advantage * chosen).sum(),
            "value_loss": (weights * (targets - rollout.values) ** 2).sum(),
            "entropy": (weights * entropy(rollout.policy, continuous)).sum(),
        }

    def _rounding(self) -> torch.autocast:
        """Return the context in which convolutions and products are computed in the configured precision."""
        enabled = self._dtype == torch.bfloat16
        return torch.autocast(torch.device(self.config.device).type, torch.bfloat16, enabled=enabled)

    def _think(self, features: Tensor) -> PolicyValue:
        with self._rounding():
            return self.network.head(features)

    def _step(self, action: Tensor) -> tuple[NDArray[Any], ...]:
        """Step once; return the columns of `Transitions`, next values NaN where `collect` will know them."""
        chosen = action.cpu().numpy()
        if isinstance(self.env.single_action_space, gymnasium.spaces.Box):
            chosen = np.clip(chosen, self.env.single_action_space.low, self.env.single_action_space.high)
        observations, rewards, terminated, truncated, infos = self.env.step(chosen)
        valid = ~self.is_resetting
        rewards = np.where(valid, rewards, 0).astype(np.float32)
        terminated, truncated = terminated & valid, truncated & valid & ~terminated
        ended = terminated | truncated
        final_values = np.full(len(valid), np.nan, dtype=np.float32)
        if self._resets_within_step and truncated.any():
            final_values[truncated] = self._final_values(infos["final_obs"], truncated)
        self.episodes.observe(rewards, valid, ended, infos)
        self.look(observations, np.zeros_like(ended) if self._resets_within_step else ended)
        lost = learning_ends(infos, valid)
        if self.config.clip_rewards:
            rewards = rewards.clip(-1, 1)
        return rewards, terminated | lost, truncated & ~lost, valid, final_values

    @torch.no_grad()
    def _final_values(self, observations: Any, truncated: NDArray[np.bool_]) -> NDArray[np.float32]:
        stacks = np.stack([observations[i] for i in np.flatnonzero(truncated)])
        values = self._think(self.network.prepare(stacks, self._dtype))[1]
        result: NDArray[np.float32] = values.cpu().numpy()
        return result
