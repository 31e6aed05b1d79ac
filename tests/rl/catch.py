"""A vector environment that is learned within seconds: a ball falls, a paddle catches it."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from drivesim.rl.networks import ActorCriticConfig, Convolution, InputLayout

SIDE = 6
LAYOUT = InputLayout(planes=("semantic",), stack=1, height=2 * SIDE, width=2 * SIDE, num_classes=3)
SMALL = ActorCriticConfig(
    actions=3,
    convolutions=(Convolution(16, 3, 1, 1),),
    hidden=64,
    palette=((0, 0, 0, 0), (255, 0, 0, 0), (0, 255, 0, 0)),
)

Step = tuple[
    NDArray[np.uint8], NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_], dict[str, NDArray[Any]]
]


class Catch(VectorEnv[NDArray[np.uint8], NDArray[np.int64], NDArray[Any]]):
    """N games on a grid of SIDE x SIDE cells, each 2x2 pixels: classes 0 empty, 1 ball, 2 paddle.

    Actions move the paddle left, not, right. A ball that lands gives 1 if caught, else -1, and ends the game.
    """

    def __init__(self, num_envs: int, mode: AutoresetMode = AutoresetMode.NEXT_STEP) -> None:
        self.num_envs = num_envs
        self.metadata = {"autoreset_mode": mode}
        self.single_observation_space = Box(0, 2, LAYOUT.observation_shape, np.uint8)
        self.observation_space = Box(0, 2, (num_envs, *LAYOUT.observation_shape), np.uint8)
        self.single_action_space = Discrete(3)
        self.action_space = MultiDiscrete([3] * num_envs)
        self._random = np.random.default_rng(0)
        self._state = np.zeros((num_envs, 3), dtype=np.int64)  # ball column, ball row, paddle column
        self._ended = np.zeros(num_envs, dtype=np.bool_)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        del options
        self._random = np.random.default_rng(seed)
        self._ended[:] = False
        self._restart(np.ones(self.num_envs, dtype=np.bool_))
        return self._picture(), {}

    def step(self, actions: NDArray[np.int64]) -> Step:
        resetting = self._ended.copy()
        self._state[:, 2] = np.clip(self._state[:, 2] + actions - 1, 0, SIDE - 1)
        self._state[:, 1] += 1
        self._restart(resetting)
        landed = (self._state[:, 1] == SIDE - 1) & ~resetting
        caught = landed & (self._state[:, 0] == self._state[:, 2])
        rewards = np.where(landed, np.where(caught, 1, -1), 0).astype(np.float32)
        infos: dict[str, Any] = {}
        if landed.any():
            infos = {"episode": {"caught": caught, "name": np.array(["x"])}, "_episode": landed}
        if self.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP:
            infos = {"final_obs": self._picture(), "final_info": infos}
            self._restart(landed)
        else:
            self._ended = landed
        return self._picture(), rewards, landed, np.zeros_like(landed), infos

    def get_state(self) -> dict[str, NDArray[Any]]:
        generator = self._random.bit_generator.state["state"]
        words = [generator[name] >> shift & (2**64 - 1) for name in ("state", "inc") for shift in (0, 64)]
        random = np.array(words, dtype=np.uint64)
        return {"state": self._state.copy(), "ended": self._ended.copy(), "random": random}

    def set_state(self, state: dict[str, NDArray[Any]]) -> None:
        self._state = state["state"].copy()
        self._ended = state["ended"].copy()
        a, b, c, d = (int(word) for word in state["random"])
        described = dict(self._random.bit_generator.state)
        described["state"] = {"state": a | b << 64, "inc": c | d << 64}
        self._random.bit_generator.state = described

    def _restart(self, which: NDArray[np.bool_]) -> None:
        drawn = self._random.integers(0, SIDE, size=(self.num_envs, 2))
        self._state[which] = np.stack([drawn[:, 0], np.zeros_like(drawn[:, 0]), drawn[:, 1]], axis=1)[which]

    def _picture(self) -> NDArray[np.uint8]:
        cells = np.zeros((self.num_envs, SIDE, SIDE), dtype=np.uint8)
        rows = np.arange(self.num_envs)
        cells[rows, self._state[:, 1], self._state[:, 0]] = 1
        cells[rows, SIDE - 1, self._state[:, 2]] = 2
        return cells.repeat(2, axis=1).repeat(2, axis=2)[:, None, None]
