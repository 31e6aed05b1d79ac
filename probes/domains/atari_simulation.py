"""Atari games as the probes see them: states in colour, episodes that their seeds decide (Sec. 4.2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from probes.agent import ProbeError
from probes.data.simulation import Simulation, Step
from probes.domains.atari import action_names, find_game
from probes.domains.atari_consoles import ConsoleConfig, Mask, Moment, game_digest
from probes.domains.atari_frames import LAYOUT, SIDE, PictureStack, planes_from_pixels
from probes.domains.atari_plain import PlainConsoles, open_consoles

ENDINGS = np.array(["none", "over", "time"])
"""What may end an episode: the game, or its length."""
_SINCE_START = ("score", "clipped_score")


class AtariSimulation:
    """N worlds of a game as a `probes.data.simulation.Simulation`.

    Args:
        game: as `find_game` takes it, or with its settings.
        num_worlds: N.
        threads: that step the worlds; above 1 their memories cannot be looked at.

    Raises:
        ProbeError: there is no such game.
    """

    def __init__(self, game: str | ConsoleConfig, num_worlds: int, *, threads: int = 1) -> None:
        config = ConsoleConfig(game) if isinstance(game, str) else game
        self.name = find_game(config.game)
        self.digest = game_digest(config)
        self.layout = LAYOUT
        self.actions = action_names(self.name)
        self.num_worlds = num_worlds
        self._consoles = open_consoles(config, num_worlds, threads)
        self._stack = PictureStack(num_worlds, (3, SIDE, SIDE))
        self._ended = np.ones(num_worlds, np.bool_)
        self._last = np.zeros((num_worlds, *LAYOUT.stored_shape), np.uint8)
        self._counts = {name: np.zeros(num_worlds, np.int64) for name in ("lives", "frame", *_SINCE_START)}

    def reset(self, seeds: Sequence[int]) -> NDArray[np.uint8]:
        """Start an episode in every world, by N seeds, and return the stored states (N, T, M, H, W)."""
        return self.restart(np.ones(self.num_worlds, np.bool_), seeds)

    def restart(self, worlds: Mask, seeds: Sequence[int]) -> NDArray[np.uint8]:
        """Start episodes in the worlds of a mask (N,), one seed each; return the states of all worlds."""
        moment = self._consoles.start(worlds, seeds)
        self._ended &= ~worlds
        self._count(moment, worlds)
        for name in _SINCE_START:
            self._counts[name][worlds] = 0
        newest = self._stack.newest()
        newest[worlds] = np.moveaxis(moment.pixels[worlds], -1, 1)
        self._stack.repeat(worlds)
        return self._states()

    def step(self, actions: NDArray[np.integer]) -> Step:
        """Take one decision in every world whose episode has not ended."""
        moving = ~self._ended
        moment = self._consoles.step(np.where(moving, actions, 0), moving)
        planes_from_pixels(moment.pixels, self._stack.next())
        self._count(moment, moving)
        endings = np.where(moving, moment.is_over + 2 * moment.is_cut, 0)
        rewards = np.where(moving, moment.rewards, 0)
        self._counts["score"] += rewards
        self._counts["clipped_score"] += np.sign(rewards)
        states, ended = self._states(), endings > 0
        if ended.any():
            self._last[ended] = states[ended]
            self._ended |= ended
        return Step(states, rewards.astype(np.float64), ended, ENDINGS[endings])

    def _states(self) -> NDArray[np.uint8]:
        """Return the stacks (N, T, M, H, W), of an ended episode its last."""
        states = self._stack.stacks()
        if self._ended.any():
            states[self._ended] = self._last[self._ended]
        return states

    def _count(self, moment: Moment, worlds: Mask) -> None:
        for name, found in (("lives", moment.lives), ("frame", moment.frames)):
            self._counts[name][worlds] = found[worlds]

    def situation(self) -> dict[str, NDArray[np.generic]]:
        """Copy what is counted, and the memory `ram` (N, 128) if there is one thread.

        Counted (N,) are the lives left, the frame, and since the episode began the score and the sum of the
        rewards' signs, as agents count them when they learn.
        """
        counts: dict[str, NDArray[np.generic]] = {name: array.copy() for name, array in self._counts.items()}
        return counts | ({"ram": self.ram()} if isinstance(self._consoles, PlainConsoles) else {})

    def ram(self) -> NDArray[np.uint8]:
        """Copy the memories (N, 128).

        Raises:
            ProbeError: the worlds are stepped by several threads.
        """
        return np.stack([console.ram() for console in self._open().consoles])

    def set_ram(self, index: int, value: int, worlds: Mask) -> None:
        """Write a byte of the memory in the worlds of a mask (N,); pictures show it from the next step on.

        Raises:
            ProbeError: as of `ram`.
        """
        for world in np.flatnonzero(worlds):
            self._open().consoles[world].set_ram(index, value)

    def _open(self) -> PlainConsoles:
        if not isinstance(self._consoles, PlainConsoles):
            raise ProbeError(f"game {self.name!r}: memories can be looked at with one thread alone")
        return self._consoles

    def close(self) -> None:
        """Give back what is held."""
        self._consoles.close()


def clipped_score(simulation: Simulation) -> NDArray[np.float64]:
    """Return the sum (N,) of the rewards' signs since each game began."""
    return simulation.situation()["clipped_score"].astype(np.float64)
