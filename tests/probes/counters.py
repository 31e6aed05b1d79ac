"""A simulation and agents so small that what they do can be told by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from probes.agent import AgentOutput
from probes.data.simulation import Step
from probes.states import Plane, StateLayout, to_states

LAYOUT = StateLayout((Plane("semantic", "class", 4), Plane("gray", "level")), stack=2, height=4, width=4)
ACTIONS: tuple[str, ...] = ("stay", "move")


class Counters:
    """Worlds that count: a `Simulation` whose frames show seed, step and moves in their first gray pixels.

    An episode lasts 3 decisions, 4 if its seed is odd. The class of every pixel is the step modulo 4.
    """

    name = "counters"
    layout = LAYOUT
    actions = ACTIONS

    def __init__(self, num_worlds: int, digest: str = "0", bias: int = 0) -> None:
        self.num_worlds, self.digest, self._bias = num_worlds, digest, bias
        self._worlds = np.zeros((num_worlds, 3), np.int64)  # seed, step, moves
        self._frames = np.zeros((num_worlds, *LAYOUT.stored_shape), np.uint8)
        self._ended = np.ones(num_worlds, np.bool_)
        self.is_closed = False

    def reset(self, seeds: Sequence[int]) -> NDArray[np.uint8]:
        return self.restart(np.ones(self.num_worlds, np.bool_), seeds)

    def restart(self, worlds: NDArray[np.bool_], seeds: Sequence[int]) -> NDArray[np.uint8]:
        self._worlds[worlds] = [(seed, 0, 0) for seed in seeds]
        self._ended[worlds] = False
        self._frames[worlds] = self._draw()[worlds][:, None]
        return self._frames.copy()

    def step(self, actions: NDArray[np.integer]) -> Step:
        moving = ~self._ended
        self._worlds[moving, 1] += 1
        self._worlds[moving, 2] += actions[moving]
        self._frames = np.stack([self._frames[:, 1], self._draw()], axis=1)
        ended = moving & (self._worlds[:, 1] >= 3 + self._worlds[:, 0] % 2)
        self._ended |= ended
        rewards = np.where(moving, actions, 0).astype(np.float64)
        return Step(self._frames.copy(), rewards, ended, np.where(ended, "time", "none"))

    def situation(self) -> dict[str, NDArray[np.generic]]:
        return {"count": self._worlds.copy()}

    def close(self) -> None:
        self.is_closed = True

    def _draw(self) -> NDArray[np.uint8]:
        frames = np.zeros((self.num_worlds, 2, 4, 4), np.uint8)
        frames[:, 0] = (self._worlds[:, 1] % 4)[:, None, None]
        frames[:, 1, 0, :3] = self._worlds % 256
        frames[:, 1, 3, 3] = self._bias
        return frames


class Critic(nn.Module):
    """An actor-critic on `LAYOUT` with random weights, or any other layout."""

    name = "critic"
    digest = "c"

    def __init__(
        self, layout: StateLayout = LAYOUT, pool: int = 1, seed: int = 0, critic: bool = True
    ) -> None:
        super().__init__()
        self.layout, self.actions, self.has_critic, self._pool = layout, ACTIONS, critic, pool
        inputs = layout.stack * layout.channels * (layout.height // pool) * (layout.width // pool)
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            self.hidden = nn.Sequential(
                nn.Flatten(), nn.Linear(inputs, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU()
            )
            self.scores = nn.Linear(8, len(ACTIONS))
            self.value = nn.Linear(8, 1)
        self.eval().requires_grad_(False)

    def forward(self, states: Tensor) -> AgentOutput:
        return self.features(states)[0]

    def features(self, states: Tensor) -> tuple[AgentOutput, Tensor]:
        pooled = nn.functional.avg_pool2d(states.flatten(1, 2), self._pool)
        hidden = self.hidden(pooled)
        scores = self.scores(hidden)
        value = self.value(hidden).squeeze(1) if self.has_critic else scores.amax(1)
        return AgentOutput(scores, value), hidden

    @torch.no_grad()
    def judge(self, stored: NDArray[np.uint8]) -> AgentOutput:
        return self.forward(to_states(torch.from_numpy(stored), self.layout))
