"""Playing with a trained network."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from drivesim.rl.distributions import most_likely, sample
from drivesim.rl.networks import ActorCritic


@torch.no_grad()
def act(
    network: ActorCritic, observations: NDArray[np.uint8], generator: torch.Generator | None = None
) -> NDArray[np.int64] | NDArray[np.float32]:
    """Choose an action for each observation.

    Args:
        network: in any mode; on any device.
        observations: (B, T, M, H, W) uint8.
        generator: draws actions from the policy, and lives on the network's device; None takes the most
            likely action.

    Returns:
        (B,) int64 actions, or (B, A) float32 for a continuous policy.
    """
    policy = network.head(network.prepare(observations)).policy
    continuous = network.config.continuous
    actions = most_likely(policy, continuous) if generator is None else sample(policy, continuous, generator)
    return actions.cpu().numpy()


class Policy:
    """A network as a plain callable from observations to actions.

    Args:
        network: what decides.
        deterministic: whether to take the most likely action instead of drawing one.
        seed: of the draws.
    """

    def __init__(self, network: ActorCritic, deterministic: bool = False, seed: int = 0) -> None:
        self.network = network
        generator = torch.Generator(device=network.lift.device).manual_seed(seed)
        self._generator = None if deterministic else generator

    def __call__(self, observations: NDArray[np.uint8]) -> NDArray[np.int64] | NDArray[np.float32]:
        """Return the actions (B,) or (B, A) for observations (B, T, M, H, W)."""
        return act(self.network, observations, self._generator)
