"""Atari games as learners see them: a gymnasium VectorEnv in gray, whose state can be saved.

Rewards are the game's own and a lost life does not end an episode: what a learner makes of either, it makes
itself. `info` says where a life was lost, under the key by which learners ask what to treat as an ending.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from drivesim.rl.learner import LEARNING_END
from probes.domains.atari import action_names, find_game
from probes.domains.atari_consoles import ConsoleConfig, Mask, Moment
from probes.domains.atari_frames import SIDE, STACK, PictureStack, gray_from_pixels
from probes.domains.atari_plain import open_consoles

Info = dict[str, Any]
RESEED_AFTER = 10_000
"""Steps of a world after which its next episode starts by a seed. The emulator's own state cannot be saved,
so a world is restored by its last seed and all actions since: the more seldom a seed, the longer that takes.
A seed costs a tenth of a second, 10 microseconds a step."""


class AtariLearningEnv(VectorEnv[NDArray[np.uint8], NDArray[Any], NDArray[Any]]):
    """N worlds of a game; observations are gray stacks (N, 4, 84, 84), the oldest picture first.

    A world whose episode has ended ignores its next action and returns its next episode's first observation
    (NEXT_STEP). `info` holds `lives` (N,) and `LEARNING_END` (N,), whether one was lost, and on endings
    `episode`, a dictionary of the `score` (N,) in the game's own rewards, with the mask `_episode`.

    Args:
        game: as `find_game` takes it, or with its settings.
        num_envs: N.
        threads: that step the worlds.
        reseed_after: see `RESEED_AFTER`.

    Raises:
        ProbeError: there is no such game.
    """

    metadata: dict[str, Any] = {"autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012  (gymnasium's own)

    def __init__(
        self,
        game: str | ConsoleConfig,
        num_envs: int = 1,
        *,
        threads: int = 1,
        reseed_after: int = RESEED_AFTER,
    ) -> None:
        config = ConsoleConfig(game) if isinstance(game, str) else game
        self.game = find_game(config.game)
        self.actions = action_names(self.game)
        self.num_envs = num_envs
        self.single_observation_space = Box(0, 255, (STACK, SIDE, SIDE), np.uint8)
        self.single_action_space = Discrete(len(self.actions))
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._consoles = open_consoles(config, num_envs, threads)
        self._stack = PictureStack(num_envs, (SIDE, SIDE))
        self._reseed_after = reseed_after
        self._seeds = np.zeros(num_envs, np.int64)
        self._begin()

    def _begin(self) -> None:
        """Forget all that was played."""
        self._taken: list[NDArray[np.uint8]] = []
        self._seeded_at = np.zeros(self.num_envs, np.int64)
        self._ended = np.zeros(self.num_envs, np.bool_)
        self._lives = np.zeros(self.num_envs, np.int64)
        self._scores = np.zeros(self.num_envs, np.float64)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: Info | None = None
    ) -> tuple[NDArray[np.uint8], Info]:
        """Start an episode in every world.

        Args:
            seed: world n starts by `seed + n`, or by `seed[n]`; without one, by chance.
            options: none are known.

        Raises:
            ValueError: there are options.
        """
        if options:
            raise ValueError(f"options: found {sorted(options)}, allowed are none")
        if isinstance(seed, int | np.integer):
            super().reset(seed=int(seed))
            seeds: Sequence[int | None] = range(int(seed), int(seed) + self.num_envs)
        else:
            seeds = [None] * self.num_envs if seed is None else seed
        drawn = self.np_random.integers(2**31, size=self.num_envs)
        chosen = [int(d) if s is None else int(s) for s, d in zip(seeds, drawn, strict=True)]
        self._begin()
        everywhere = np.ones(self.num_envs, np.bool_)
        self._seeds = np.array(chosen, np.int64) % 2**31
        self._show(self._consoles.start(everywhere, chosen), everywhere)
        return self._stack.stacks(), {"lives": self._lives.copy()}

    def step(self, actions: NDArray[Any]) -> tuple[NDArray[np.uint8], NDArray[np.float64], Mask, Mask, Info]:
        """Take one decision in every world; see gymnasium's `VectorEnv.step`."""
        lives, resetting = self._lives, self._ended
        moment = self._play(np.asarray(actions))
        worn = resetting & (len(self._taken) - self._seeded_at >= self._reseed_after)
        if worn.any():
            self._seed(worn, (self._seeds + self.num_envs) % 2**31)
            self._forget()
        lost = (moment.lives < lives) & (moment.lives > 0) & ~resetting
        info: Info = {LEARNING_END: lost, "lives": self._lives.copy()}
        if self._ended.any():
            info["episode"], info["_episode"] = {"score": self._scores.copy()}, self._ended.copy()
        rewards = moment.rewards.astype(np.float64)
        return self._stack.stacks(), rewards, moment.is_over.copy(), moment.is_cut.copy(), info

    def _play(self, actions: NDArray[Any]) -> Moment:
        """Step all worlds and take in what they show."""
        moment = self._consoles.go_on(actions, self._ended)
        self._taken.append(actions.astype(np.uint8))
        self._scores = np.where(self._ended, 0.0, self._scores) + moment.rewards
        self._stack.next()
        self._show(moment, self._ended)
        self._ended = moment.is_over | moment.is_cut
        return moment

    def _seed(self, worlds: Mask, seeds: NDArray[np.int64]) -> None:
        """Start episodes in the worlds of a mask (N,) by seeds (N,), of which the others are ignored."""
        self._seeds = np.where(worlds, seeds, self._seeds)
        self._seeded_at[worlds] = len(self._taken)
        self._ended &= ~worlds
        self._scores[worlds] = 0.0
        self._show(self._consoles.start(worlds, self._seeds[worlds].tolist()), worlds)

    def _forget(self) -> None:
        """Drop the actions that no world needs any more."""
        oldest = int(self._seeded_at.min())
        del self._taken[:oldest]
        self._seeded_at -= oldest

    def _show(self, moment: Moment, started: Mask) -> None:
        """Write the newest pictures; in the worlds of a mask (N,) they stand for those before them."""
        gray_from_pixels(moment.pixels, self._stack.newest())
        self._stack.repeat(started)
        self._lives = moment.lives

    def get_state(self) -> dict[str, NDArray[Any]]:
        """Return the seeds (N,), when each was used (N,), and all actions since the first (L, N)."""
        taken = np.stack(self._taken) if self._taken else np.zeros((0, self.num_envs), np.uint8)
        return {"seeds": self._seeds.copy(), "seeded_at": self._seeded_at.copy(), "taken": taken}

    def set_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Play again what `get_state` returned, and go on from there, bit for bit.

        Raises:
            ValueError: it does not fit this environment.
        """
        seeds, seeded_at, taken = (np.asarray(state[name]) for name in ("seeds", "seeded_at", "taken"))
        self._check(seeds, seeded_at, taken)
        self.reset(seed=[0] * self.num_envs)
        for index in range(len(taken) + 1):
            due = seeded_at == index
            if due.any():
                self._seed(due, seeds)
            if index < len(taken):
                self._play(taken[index].astype(np.int64))

    def _check(self, seeds: NDArray[Any], seeded_at: NDArray[Any], taken: NDArray[Any]) -> None:
        count, length = self.num_envs, len(taken)
        shapes = (seeds.shape, seeded_at.shape, taken.shape)
        if shapes != ((count,), (count,), (length, count)):
            raise ValueError(f"found arrays of {shapes}, expected {count} worlds")
        if not ((seeded_at >= 0) & (seeded_at <= length)).all() or not (taken < len(self.actions)).all():
            raise ValueError("found a step or an action that this environment does not have")

    def close_extras(self, **kwargs: Any) -> None:  # noqa: ARG002  (gymnasium's signature)
        """End the threads."""
        self._consoles.close()
