"""Double deep Q-learning with n-step returns: Mnih et al. (2015), van Hasselt et al. (2016), Sutton (1988).

The duelling head of Wang et al. (2016) is the network's; see `q_network.py`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from drivesim.rl.a2c import TrainingDiverged
from drivesim.rl.averaging import RunningAverage
from drivesim.rl.dqn_config import DQNConfig, epsilon_at, learning_rate_at
from drivesim.rl.episodes import EpisodeStatistics
from drivesim.rl.learner import Refill, check_environment, learning_ends
from drivesim.rl.q_network import QNetwork
from drivesim.rl.replay_buffer import Batch, ReplayBuffer


def q_targets(returns: Tensor, weights: Tensor, target: Tensor, chooser: Tensor) -> Tensor:
    """Return what the action values (B,) should be: returns + weights * target[argmax of chooser].

    Args:
        returns: (B,), what up to n steps brought.
        weights: (B,), of the state after them: discount^k, 0 after a termination.
        target: (B, A), that state's action values by the target network.
        chooser: (B, A), its action values by the network that chooses: the trained one in double Q-learning
            (van Hasselt et al. 2016, Eq. 4), `target` itself otherwise.
    """
    best = chooser.argmax(dim=1, keepdim=True)
    return returns + weights * target.gather(1, best).squeeze(1)


class QLearner:
    """Owns everything that changes while learning, but the environments' own state.

    Args:
        env: vector environment with uint8 observations of the network's layout; it may say in its infos
            that learning is to see an ending where there is none (`learner.LEARNING_END`).
        network: moved to the configured device and trained in place.
        config: how to learn.

    Raises:
        ValueError: the environment does not fit network or configuration, or does not reset itself.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], network: QNetwork, config: DQNConfig) -> None:
        mode = check_environment(env, network.layout, network.config.actions, continuous=False)
        self._steps = max(config.steps_per_update // env.num_envs, 1)
        self._updates, rest = divmod(self._steps * env.num_envs, config.steps_per_update)
        if rest or not self._updates:
            raise ValueError(
                f"steps_per_update={config.steps_per_update} and {env.num_envs} environments: "
                "one must be a multiple of the other"
            )
        self.env = env
        self.network = network.to(config.device).train()
        self.config = config
        self.step = 0
        self.parameters = list(network.parameters())
        self.optimizer = _make_adam(self.parameters, config)
        self.generator = torch.Generator().manual_seed(config.seed)
        self.episodes = EpisodeStatistics(env.num_envs)
        self.replay = ReplayBuffer(config.replay_frames, env.num_envs, network.layout.observation_shape)
        self.refills: list[Refill] = []
        self.observations = np.zeros(0, dtype=np.uint8)
        self.is_resetting = np.zeros(env.num_envs, dtype=np.bool_)
        self._missing_until = 0
        self._resets_within_step = mode == AutoresetMode.SAME_STEP
        self._dtype = torch.bfloat16 if config.precision == "bfloat16" else torch.float32
        self._target = copy.deepcopy(network).to(self._dtype).requires_grad_(False)
        # Weights are rounded once an update instead of once a forward pass, as autocast would do.
        self._actor = copy.deepcopy(self._target) if self._dtype == torch.bfloat16 else self.network
        self._average = None
        if config.averaged_updates > 1:
            self._average = RunningAverage(self.network, config.averaged_updates)

    @property
    def agent(self) -> QNetwork:
        """What the run's agent is: the average of the trained network, unless that is switched off."""
        return self._average.network if self._average else self.network

    @property
    def frames_wanted(self) -> int:
        """Frames that the replay holds, or will when it has been refilled."""
        return max(self._missing_until, self.replay.held)

    def start(self, seed: int | None) -> None:
        """Reset all environments and look at them; without a seed they start wherever chance has it."""
        observations, _ = self.env.reset(seed=seed)
        self.replay.look(observations)
        self.look(observations, np.zeros(self.env.num_envs, dtype=np.bool_))

    def look(self, observations: NDArray[np.uint8], is_resetting: NDArray[np.bool_]) -> None:
        """Take what to act on next (N, T, M, H, W), and whether the next step only resets (N,)."""
        self.observations = observations
        self.is_resetting = is_resetting

    def collect(self) -> list[Batch]:
        """Step all environments and draw what to learn from: nothing early on or while refilling the replay.

        Raises:
            TrainingDiverged: an action value is not finite.
        """
        for _ in range(self._steps):
            self._act()
        if self.replay.held < self._missing_until:
            return []
        self._missing_until = 0
        self.step += self._steps * self.env.num_envs
        if self.step < self.config.learning_starts:
            return []
        c = self.config
        return [
            self.replay.sample(c.batch_size, c.n_step, c.discount, self.generator)
            for _ in range(self._updates)
        ]

    def update(self, batches: list[Batch]) -> dict[str, float]:
        """Descend once along the gradient of each batch's loss, and renew the target network when it is time.

        Returns:
            epsilon, replay_frames, replay_bytes; after a descent value_loss, mean_value, gradient_norm and
            learning_rate; while the replay is refilled frames_missing.

        Raises:
            TrainingDiverged: a loss or its gradient is not finite; the weights are then left as they were.
        """
        report: dict[str, float] = {}
        for batch in batches:
            report = self._descend(batch)
        before = self.step - self._steps * self.env.num_envs
        if batches and self.step // self.config.target_period > before // self.config.target_period:
            _copy_weights(self.network, self._target)
        if self._missing_until:
            report["frames_missing"] = self._missing_until - self.replay.held
        room = {"replay_frames": self.replay.held, "replay_bytes": self.replay.nbytes}
        return report | {"epsilon": epsilon_at(self.step, self.config), **room}

    def memory(self) -> dict[str, Tensor]:
        """Return what an update depends on besides weights and experience, live: copying into it restores."""
        target = {f"target.{name}": tensor for name, tensor in self._target.state_dict().items()}
        adam = {
            f"adam.{i}.{name}": tensor
            for i, parameter in enumerate(self.parameters)
            for name, tensor in self.optimizer.state[parameter].items()
        }
        return target | adam | (self._average.memory() if self._average else {})

    def take_up(self, saved: Mapping[str, NDArray[np.generic]] | None, frames: int, anew: bool) -> None:
        """Go on with a saved replay, or begin to refill it; see `learner.ReplayLearner`.

        While it is refilled nothing is learned and no step is counted.
        """
        _copy_weights(self.network, self._actor)
        if saved is not None:
            self.replay.restore(saved)
        else:
            self.replay.clear()
            self._missing_until = min(frames, self.replay.capacity)
            done = [refill for refill in self.refills if refill["step"] < self.step]
            self.refills = [*done, {"step": self.step, "frames": self._missing_until}]
        if saved is None or anew:
            self.replay.look(self.observations)

    @torch.no_grad()
    def _choose(self) -> NDArray[np.int64]:
        """Return actions (N,), each the best or, with probability epsilon, a random one."""
        count = self.env.num_envs
        is_exploring = torch.rand(count, generator=self.generator) < epsilon_at(self.step, self.config)
        actions = torch.randint(self.network.config.actions, (count,), generator=self.generator)
        if not is_exploring.all():
            values = self._actor.head(self.network.prepare(self.observations, self._dtype))
            if not values.isfinite().all():
                raise TrainingDiverged(f"step {self.step}: an action value is not finite")
            actions = torch.where(is_exploring, actions, values.argmax(dim=1).cpu())
        chosen: NDArray[np.int64] = actions.numpy()
        return chosen

    def _act(self) -> None:
        """Step once and keep in the replay what came of it."""
        actions = self._choose()
        observations, rewards, terminated, truncated, infos = self.env.step(actions)
        valid = ~self.is_resetting
        rewards = np.where(valid, rewards, 0).astype(np.float32)
        terminated, truncated = terminated & valid, truncated & valid & ~terminated
        ended = terminated | truncated
        paid = np.clip(rewards, -1, 1) if self.config.clip_rewards else rewards
        self.replay.record(actions, paid, terminated | learning_ends(infos, valid), truncated, valid)
        if self._resets_within_step and ended.any():
            columns = np.flatnonzero(ended)
            self.replay.look(np.stack([infos["final_obs"][i] for i in columns]), columns)
        self.replay.look(observations)
        self.episodes.observe(rewards, valid, ended, infos)
        self.look(observations, np.zeros_like(ended) if self._resets_within_step else ended)

    def _descend(self, batch: Batch) -> dict[str, float]:
        loss, mean_value = self._loss(batch)
        self.network.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.parameters, self.config.max_gradient_norm)
        report = {"value_loss": loss.item(), "mean_value": mean_value, "gradient_norm": norm.item()}
        if not np.isfinite(list(report.values())).all():
            raise TrainingDiverged(f"step {self.step}: the loss or its gradient is not finite: {report}")
        rate = learning_rate_at(self.step, self.config)
        self.optimizer.param_groups[0]["lr"] = rate
        self.optimizer.step()
        _copy_weights(self.network, self._actor)
        if self._average:
            self._average.take(self.network)
        return report | {"learning_rate": rate}

    def _loss(self, batch: Batch) -> tuple[Tensor, float]:
        """Return the mean Huber loss of a batch, with its graph, and the mean of its action values."""
        device = self.config.device
        returns, weights, actions = (
            torch.from_numpy(array).to(device) for array in (batch.returns, batch.weights, batch.actions)
        )
        with torch.no_grad():
            features = self.network.prepare(batch.followings, self._dtype)
            target = self._target.head(features)
            chooser = self._actor.head(features) if self.config.is_double else target
            targets = q_targets(returns, weights, target, chooser)
        features = self.network.prepare(batch.observations, self._dtype)
        with torch.autocast(features.device.type, torch.bfloat16, enabled=self._dtype == torch.bfloat16):
            values = self.network.head(features)
        chosen = values.gather(1, actions.unsqueeze(1)).squeeze(1)
        return functional.huber_loss(chosen, targets), chosen.mean().item()


def _make_adam(parameters: list[nn.Parameter], config: DQNConfig) -> torch.optim.Adam:
    """Make an optimiser whose state is there from the start, so that it can be restored."""
    adam = torch.optim.Adam(parameters, config.learning_rate, eps=config.adam_epsilon, fused=True)
    for parameter in parameters:
        step = torch.zeros((), device=parameter.device)
        moments = {name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq")}
        adam.state[parameter] = {"step": step, **{name: m.detach() for name, m in moments.items()}}
    return adam


@torch.no_grad()
def _copy_weights(source: nn.Module, target: nn.Module) -> None:
    if source is not target:
        for theirs, ours in zip(source.parameters(), target.parameters(), strict=True):
            ours.copy_(theirs)
