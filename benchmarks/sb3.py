"""The peer of `a2c-driving`: stable-baselines3's A2C on the same towns, with the same network.

SB3 is given what speeds it up without changing it: the compiled lookup of class colours (its rollout buffer
then holds floats), channels-last convolutions, and autoreset in the next step, whose ignored actions it takes
for transitions; that would cost learning a little, and costs speed nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3 import A2C
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor

from drivesim.envs.vector import DrivingVectorEnv
from drivesim.rl.a2c import A2CConfig
from drivesim.rl.networks import ActorCritic


class TownsForSB3(VecEnv):
    """A `DrivingVectorEnv` as SB3 wants it, showing what the network's `prepare` makes of the images."""

    def __init__(self, env: DrivingVectorEnv, network: ActorCritic) -> None:
        self.env = env
        self._network = network
        self._actions: NDArray[Any] = np.zeros(0)
        layout, pool = network.layout, network.config.pool
        features = layout.stack * network.lift.shape[0]
        space = spaces.Box(0.0, 1.0, (features, layout.height // pool, layout.width // pool), np.float32)
        super().__init__(env.num_envs, space, env.single_action_space)

    def _look(self, observations: NDArray[np.uint8]) -> NDArray[np.float32]:
        features: NDArray[np.float32] = self._network.prepare(observations).numpy()
        return features

    def reset(self) -> NDArray[np.float32]:
        """Start all episodes."""
        return self._look(self.env.reset(seed=0)[0])

    def step_async(self, actions: NDArray[Any]) -> None:
        """Keep the actions for `step_wait`."""
        self._actions = actions

    def step_wait(
        self,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Step; a truncated episode's last observation goes where SB3 looks for it."""
        observations, rewards, terminated, truncated, _ = self.env.step(self._actions)
        features = self._look(observations)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for n in np.flatnonzero(truncated):
            infos[n] = {"TimeLimit.truncated": True, "terminal_observation": features[n]}
        return features, rewards.astype(np.float32), terminated | truncated, infos

    def close(self) -> None:
        """Close the towns."""
        self.env.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute of the towns, once per world asked for."""
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


def make_peer(env: DrivingVectorEnv, network: ActorCritic, config: A2CConfig) -> A2C:
    """Return SB3's A2C, set up as `config` says, with a policy of the same layers as `network`."""
    model = A2C(
        "CnnPolicy",
        TownsForSB3(env, network),
        learning_rate=config.learning_rate,
        n_steps=config.num_steps,
        gamma=config.discount,
        gae_lambda=config.gae_lambda,
        ent_coef=config.entropy_coefficient,
        vf_coef=config.value_coefficient,
        max_grad_norm=config.max_gradient_norm,
        policy_kwargs={
            "features_extractor_class": SameTrunk,
            "features_extractor_kwargs": {"network": network},
            "net_arch": [],
            "normalize_images": False,
        },
        seed=config.seed,
        device="cpu",
    )
    model.policy.to(memory_format=torch.channels_last)
    mine = sum(p.numel() for p in network.parameters())
    theirs = sum(p.numel() for p in model.policy.parameters())
    assert mine == theirs, f"{mine} parameters here, {theirs} there"
    return model
