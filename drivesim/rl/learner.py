"""What a learner is to the training loop and to checkpoints, and what it asks of an environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field
from typing import Any, ClassVar, Protocol, TypedDict, runtime_checkable

import gymnasium
import numpy as np
import torch
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray
from torch import Tensor, nn

from drivesim.rl.checkpoint import Network
from drivesim.rl.episodes import EpisodeStatistics
from drivesim.rl.networks import InputLayout
from drivesim.rl.replay_buffer import ReplayBuffer

LEARNING_END = "terminated_for_learning"
"""Key of a mask (N,) that an environment may put into `infos`: nothing that follows this step is to count for
it, although the episode goes on (a life was lost)."""


class Config(Protocol):
    """What every learner's configuration, a frozen dataclass, says."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def total_steps(self) -> int:
        """Environment steps, summed over environments."""

    @property
    def seed(self) -> int:
        """Of the environments' first reset and of whatever is drawn."""


class Learner(Protocol):
    """Owns everything that changes while learning, but the environments' own state."""

    step: int
    """Environment steps learned from so far, summed over environments."""

    @property
    def env(self) -> VectorEnv[Any, Any, Any]:
        """N environments."""

    @property
    def network(self) -> Network:
        """What is trained."""

    @property
    def agent(self) -> Network:
        """What the run's agent is: `network`, or an average of it."""

    @property
    def parameters(self) -> list[nn.Parameter]:
        """The network's."""

    @property
    def config(self) -> Config:
        """How it learns."""

    @property
    def generator(self) -> torch.Generator:
        """Of all that it draws."""

    @property
    def episodes(self) -> EpisodeStatistics:
        """Of the running episodes."""

    @property
    def observations(self) -> NDArray[np.uint8]:
        """What it will act on next."""

    @property
    def is_resetting(self) -> NDArray[np.bool_]:
        """(N,) whether the next step only resets."""

    def start(self, seed: int | None) -> None:
        """Reset all environments and look at them."""

    def look(self, observations: NDArray[np.uint8], is_resetting: NDArray[np.bool_]) -> None:
        """Take what to act on next."""

    def collect(self) -> Any:
        """Step all environments a few times and return what `update` learns from."""

    def update(self, collected: Any) -> dict[str, float]:
        """Learn from what `collect` returned, and report."""

    def memory(self) -> dict[str, Tensor]:
        """Return what an update depends on besides weights and experience, live: copying into it restores."""


class Refill(TypedDict):
    """A replay that was filled again by the policy of that moment, because it had not been saved."""

    step: int
    frames: int


@runtime_checkable
class ReplayLearner(Protocol):
    """What a learner has besides that samples from a replay."""

    refills: list[Refill]
    """One for each resumption without a saved replay."""

    @property
    def replay(self) -> ReplayBuffer:
        """Too large to be saved each time."""

    @property
    def frames_wanted(self) -> int:
        """Frames that the replay holds, or will when it has been refilled."""

    def take_up(self, saved: Mapping[str, NDArray[np.generic]] | None, frames: int, anew: bool) -> None:
        """Go on with a saved replay, or begin to refill it; called when all else has been restored.

        Args:
            saved: the replay's arrays; None if they were not saved.
            frames: to refill without them.
            anew: whether the environments have begun new episodes instead of going on.

        Raises:
            ValueError: the arrays do not fit.
        """


def check_environment(
    env: VectorEnv[Any, Any, Any], layout: InputLayout, actions: int, continuous: bool
) -> AutoresetMode:
    """Require that a network of this layout and these actions can act in the environment.

    Returns:
        How the environment resets itself.

    Raises:
        ValueError: it does not fit, or does not reset itself.
    """
    mode = env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP)
    if mode not in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP):
        raise ValueError(f"autoreset_mode is {mode}; a learner needs NEXT_STEP or SAME_STEP")
    space = env.single_observation_space
    shape = tuple(space.shape or ())
    if space.dtype != np.uint8 or int(np.prod(shape)) != int(np.prod(layout.observation_shape)):
        raise ValueError(f"observations are {space.dtype} {shape}, expected uint8 {layout.observation_shape}")
    room = env.single_action_space
    if isinstance(room, gymnasium.spaces.Discrete) and not continuous:
        found = int(room.n)
    elif isinstance(room, gymnasium.spaces.Box) and continuous:
        found = int(np.prod(room.shape))
    else:
        raise ValueError(f"a network with continuous={continuous} cannot act in {room}")
    if found != actions:
        raise ValueError(f"the environment has {found} actions, the network {actions}")
    return AutoresetMode(mode)


def learning_ends(infos: Mapping[str, Any], valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return where (N,) the environment says that learning is to see an ending; see `LEARNING_END`."""
    if LEARNING_END not in infos:
        return np.zeros_like(valid)
    return np.asarray(infos[LEARNING_END], dtype=np.bool_) & valid
