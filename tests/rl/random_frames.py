"""A vector environment of random pictures whose episodes end at random, in both ways of resetting."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from drivesim.rl.learner import LEARNING_END
from drivesim.rl.networks import Convolution, InputLayout
from drivesim.rl.q_network import QNetworkConfig

GRAY = InputLayout(planes=("gray",), stack=4, height=6, width=6)
TINY = QNetworkConfig(actions=3, convolutions=(Convolution(4, 3, 2),), hidden=16)

Step = tuple[
    NDArray[np.uint8], NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_], dict[str, NDArray[Any]]
]


class RandomFrames(VectorEnv[NDArray[np.uint8], NDArray[np.int64], NDArray[Any]]):
    """N stacks (4, 6, 6) of noise, as the emulator gives them: no axis of planes, integer rewards.

    A step terminates an episode, truncates it, or takes a life, each with probability 0.1.

    Args:
        num_envs: N.
        mode: when it resets.
        is_padded: whether an episode's first stack is filled up by zeros; else its first frame is repeated.
    """

    def __init__(
        self, num_envs: int, mode: AutoresetMode = AutoresetMode.NEXT_STEP, is_padded: bool = True
    ) -> None:
        shape = (GRAY.stack, GRAY.height, GRAY.width)
        self.num_envs = num_envs
        self.is_padded = is_padded
        self.metadata = {"autoreset_mode": mode}
        self.single_observation_space = Box(0, 255, shape, np.uint8)
        self.observation_space = Box(0, 255, (num_envs, *shape), np.uint8)
        self.single_action_space = Discrete(TINY.actions)
        self.action_space = MultiDiscrete([TINY.actions] * num_envs)
        self._clock = np.zeros(2, dtype=np.int64)  # the seed, and steps since the reset
        self._random = np.random.default_rng(0)
        self._stacks = np.zeros((num_envs, *shape), dtype=np.uint8)
        self._ended = np.zeros(num_envs, dtype=np.bool_)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        del options
        self._clock[:] = (seed or 0, 0)
        self._random = np.random.default_rng(self._clock)
        self._ended[:] = False
        self._restart(np.ones(self.num_envs, dtype=np.bool_))
        return self._stacks.copy(), {}

    def step(self, actions: NDArray[np.int64]) -> Step:
        assert actions.shape == (self.num_envs,)
        assert actions.dtype == np.int64
        self._clock[1] += 1
        self._random = np.random.default_rng(self._clock)
        resetting, drawn = self._ended.copy(), self._random.integers(0, 10, self.num_envs)
        self._stacks[:, :-1] = self._stacks[:, 1:]
        self._stacks[:, -1] = self._frames()
        self._restart(resetting)
        terminated, truncated = (drawn == 0) & ~resetting, (drawn == 1) & ~resetting
        infos: dict[str, Any] = {LEARNING_END: drawn == 2}
        ended = terminated | truncated
        if self.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP:
            infos["final_obs"] = self._stacks.copy()
            self._restart(ended)
        else:
            self._ended = ended
        return self._stacks.copy(), self._random.integers(-3, 4, self.num_envs), terminated, truncated, infos

    def get_state(self) -> dict[str, NDArray[Any]]:
        return {"clock": self._clock.copy(), "stacks": self._stacks.copy(), "ended": self._ended.copy()}

    def set_state(self, state: dict[str, NDArray[Any]]) -> None:
        self._clock, self._stacks, self._ended = (state[name].copy() for name in ("clock", "stacks", "ended"))

    def _frames(self) -> NDArray[np.uint8]:
        return self._random.integers(0, 256, (self.num_envs, GRAY.height, GRAY.width), dtype=np.uint8)

    def _restart(self, which: NDArray[np.bool_]) -> None:
        frames = self._frames()[which]
        self._stacks[which] = 0 if self.is_padded else frames[:, None]
        self._stacks[which, -1] = frames
