"""The peer of `a2c-driving`, stable-baselines3's A2C on the same towns with the same network, and its way in.

SB3 is given what speeds it up without changing it: the compiled lookup of class colours (its rollout buffer
then holds floats), channels-last convolutions, and autoreset in the next step, whose ignored actions it takes
for transitions; that would cost learning a little, and costs speed nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from stable_baselines3 import A2C
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor, nn

from drivesim.envs.vector import DrivingVectorEnv
from drivesim.rl.a2c import A2CConfig
from drivesim.rl.networks import ActorCritic

Look = Callable[[NDArray[np.uint8]], NDArray[Any]]


class WorldsForSB3(VecEnv):
    """A `VectorEnv` of images as SB3 wants it.

    Args:
        env: resets its worlds in their next step, and itself by seed 0.
        space: of what SB3 is to see of one world.
        look: makes that, of all worlds, of the observations.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], space: spaces.Space[Any], look: Look) -> None:
        self.env = env
        self._look = look
        self._actions: NDArray[Any] = np.zeros(0)
        super().__init__(env.num_envs, space, env.single_action_space)

    def reset(self) -> NDArray[Any]:
        """Start all episodes."""
        return self._look(self.env.reset(seed=0)[0])

    def step_async(self, actions: NDArray[Any]) -> None:
        """Keep the actions for `step_wait`."""
        self._actions = actions

    def step_wait(
        self,
    ) -> tuple[NDArray[Any], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Step; a truncated episode's last observation goes where SB3 looks for it."""
        observations, rewards, terminated, truncated, _ = self.env.step(self._actions)
        seen = self._look(observations)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for n in np.flatnonzero(truncated):
            infos[n] = {"TimeLimit.truncated": True, "terminal_observation": seen[n]}
        return seen, rewards.astype(np.float32), terminated | truncated, infos

    def close(self) -> None:
        """Close the worlds."""
        self.env.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute of the environment, once per world asked for."""
        return [getattr(self.env, attr_name)] * len(self._indices(indices))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: nothing of a single world can be set."""
        raise NotImplementedError(f"{attr_name} of worlds {indices} cannot be set to {value}")

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Refuse: worlds have no methods of their own."""
        raise NotImplementedError(f"worlds {indices} have no {method_name} for {args}, {kwargs}")

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """Say that no world is wrapped."""
        return [isinstance(self, wrapper_class)] * len(self._indices(indices))

    def _indices(self, indices: Any) -> Sequence[int]:
        return list(self._get_indices(indices))


class SameTrunk(BaseFeaturesExtractor):
    """The layers under both heads of an `ActorCritic`."""

    def __init__(self, observation_space: spaces.Box, network: ActorCritic) -> None:
        super().__init__(observation_space, network.config.hidden)
        # SB3 sets orthogonal weights in place, which needs them contiguous until then.
        self.trunk = deepcopy(network.trunk)
        for parameter in self.trunk.parameters():
            parameter.data = parameter.data.contiguous()

    def forward(self, features: Tensor) -> Tensor:
        """Return (B, hidden) of features (B, F, H, W)."""
        hidden: Tensor = self.trunk(features.contiguous(memory_format=torch.channels_last))
        return hidden


def as_worlds(env: DrivingVectorEnv, network: ActorCritic) -> WorldsForSB3:
    """Return towns that show what the network's `prepare` makes of the images."""

    def look(observations: NDArray[np.uint8]) -> NDArray[np.float32]:
        features: NDArray[np.float32] = network.prepare(observations).numpy()
        return features

    return WorldsForSB3(env, spaces.Box(0.0, 1.0, network.pixels.shape, np.float32), look)


def make_a2c(worlds: VecEnv, config: A2CConfig, policy: dict[str, Any]) -> A2C:
    """Return SB3's A2C, set up as `config` says; `policy` holds what its policy is to be told."""
    model = A2C(
        "CnnPolicy",
        worlds,
        learning_rate=config.learning_rate,
        n_steps=config.num_steps,
        gamma=config.discount,
        gae_lambda=config.gae_lambda,
        ent_coef=config.entropy_coefficient,
        vf_coef=config.value_coefficient,
        max_grad_norm=config.max_gradient_norm,
        policy_kwargs=policy,
        seed=config.seed,
        device="cpu",
    )
    model.policy.to(memory_format=torch.channels_last)
    return model


def require_same_size(network: nn.Module, peer: nn.Module) -> None:
    """Make sure that a contest is one of equals."""
    mine, theirs = (sum(p.numel() for p in module.parameters()) for module in (network, peer))
    assert mine == theirs, f"{mine} parameters here, {theirs} there"


def make_peer(env: DrivingVectorEnv, network: ActorCritic, config: A2CConfig) -> A2C:
    """Return SB3's A2C with a policy of the same layers as `network`."""
    policy = {
        "features_extractor_class": SameTrunk,
        "features_extractor_kwargs": {"network": network},
        "net_arch": [],
        "normalize_images": False,
    }
    model = make_a2c(as_worlds(env, network), config, policy)
    require_same_size(network, model.policy)
    return model
