"""Atari consoles stepped from Python, with their memories open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from probes.domains.atari import emulator, rom_path
from probes.domains.atari_consoles import (
    FRAME_SKIP,
    NOOP_MAX,
    ConsoleConfig,
    Consoles,
    Mask,
    Moment,
    VectorConsoles,
    emulator_seeds,
)
from probes.domains.atari_frames import SIDE
from probes.domains.atari_screens import Palette, draw


class Waits:
    """How many frames episodes wait, one after another, as the native environment draws them.

    That is std::mt19937 and the way of Lemire (2019) to a whole number below `NOOP_MAX`.

    Args:
        seed: of the first of them.
    """

    def __init__(self, seed: int) -> None:
        self._bits = np.random.MT19937()
        self._bits._legacy_seeding(seed)  # as std::mt19937 is seeded

    def __next__(self) -> int:
        while True:
            product = int(self._bits.random_raw()) * NOOP_MAX
            if product % 2**32 >= 2**32 % NOOP_MAX:
                return product >> 32


@dataclass(frozen=True)
class SavedConsole:
    """A console's whole state, to go on from."""

    machine: bytes
    screens: NDArray[np.uint8]
    """(S, rows, columns), palette indices: what the machine shows is stale after a restore, so it is kept."""
    elapsed: int


class Console:
    """One world, with its memory open.

    Args:
        config: the game.
        palette: learns the game's colours; those of other consoles of the same game, to share them.

    Raises:
        ProbeError: there is no such game.
    """

    def __init__(self, config: ConsoleConfig, palette: Palette | None = None) -> None:
        self._config = config
        self._rom = rom_path(config.game)
        self._machine = emulator().ALEInterface()
        self._machine.setFloat("repeat_action_probability", config.sticky)
        self._machine.setInt("random_seed", 0)
        self._machine.loadROM(self._rom)
        self._pristine = self._machine.cloneState(include_rng=True)
        self._actions = self._machine.getMinimalActionSet()
        self._fire = next((action for action in self._actions if action.name == "FIRE"), None)
        self._palette = palette or Palette()
        self._waits = Waits(0)
        rows, columns = self._machine.getScreenDims()
        # Decisions write into the first two and the last two by turns, from the middle outwards: so what is
        # shown lies side by side, also where an episode ends between a decision's first look and its second.
        self._screens = np.zeros((4, rows, columns), np.uint8)
        self._shown = slice(1, 2)
        self._elapsed = 0

    def start(self, seed: int) -> None:
        """Start an episode by a seed from 0 to 2^31 - 1."""
        if self._config.sticky:  # only then does the machine draw, and only loading seeds its draws
            self._machine.setInt("random_seed", seed)
            self._machine.loadROM(self._rom)
        else:
            self._machine.restoreState(self._pristine)
        self._waits = Waits(seed)
        self.start_next()

    def start_next(self) -> None:
        """Start the next episode after one that a seed has started, as the native environment does."""
        machine = self._machine
        machine.reset_game()
        waiting = next(self._waits)
        if self._fire is not None:
            machine.act(self._fire)
            waiting -= 1
        for _ in range(waiting):
            machine.act(0)
            if machine.game_over():
                machine.reset_game()
        self._look(1)
        self._shown = slice(1, 2)
        self._elapsed = 0

    def step(self, action: int) -> tuple[int, bool, bool]:
        """Take a decision; return its reward, whether the game is over, and whether the episode is cut."""
        reward, is_over, is_cut = 0, False, False
        chosen, start, end = self._actions[action], self._shown.start, self._shown.stop
        first, last = (2, 3) if end == 2 else (1, 0)
        for left in reversed(range(FRAME_SKIP)):
            reward += self._machine.act(chosen)
            self._elapsed += 1
            is_over, is_cut = self._machine.game_over(), self._elapsed >= self._config.max_frames
            if is_over or is_cut:
                break
            if left == 1:
                self._look(first)
                self._shown = slice(min(start, first), max(end, first + 1))
            elif left == 0:
                self._look(last)
                self._shown = slice(min(first, last), max(first, last) + 1)
        return reward, is_over, is_cut and not is_over

    def _look(self, place: int) -> None:
        """Copy what the machine shows, and learn colours that have not been met."""
        screen = self._screens[place]
        self._machine.getScreen(screen)
        if not self._palette.knows(screen):
            self._palette.learn(screen, self._machine.getScreenRGB())

    def draw(self, out: NDArray[np.uint8]) -> None:
        """Write the picture into `out` (84, 84, 3)."""
        draw(self._screens[self._shown], self._palette, out)

    def counts(self) -> tuple[int, int]:
        """Return the lives that are left, and the frames since the game was reset."""
        return self._machine.lives(), self._machine.getEpisodeFrameNumber()

    def ram(self) -> NDArray[np.uint8]:
        """Return a copy of the memory (128,)."""
        return np.array(self._machine.getRAM(), np.uint8)

    def set_ram(self, index: int, value: int) -> None:
        """Write a byte of the memory; the screen shows it from the next frame on."""
        self._machine.setRAM(index, value)

    def save(self) -> SavedConsole:
        """Copy all that the rest of the episode depends on."""
        machine = self._machine.cloneState(include_rng=True).serialize()
        return SavedConsole(machine, self._screens[self._shown].copy(), self._elapsed)

    def restore(self, saved: SavedConsole) -> None:
        """Go on from what `save` returned, also of another console of the same game."""
        self._machine.restoreState(emulator().ALEState(saved.machine))
        count = len(saved.screens)
        self._shown = slice(max(0, 2 - count), max(2, count))
        self._screens[self._shown] = saved.screens
        self._elapsed = saved.elapsed


class PlainConsoles:
    """N worlds with their memories open, stepped one after another.

    Args:
        config: the game.
        num_worlds: N.

    Raises:
        ProbeError: there is no such game.
    """

    def __init__(self, config: ConsoleConfig, num_worlds: int) -> None:
        palette = Palette()
        self.num_worlds = num_worlds
        self.consoles = [Console(config, palette) for _ in range(num_worlds)]
        self._pixels = np.zeros((num_worlds, SIDE, SIDE, 3), np.uint8)

    def start(self, worlds: Mask, seeds: Sequence[int]) -> Moment:
        """Start episodes in the worlds of a mask (N,), one seed each; tell how all worlds stand."""
        for (index, console), seed in zip(self._chosen(worlds), emulator_seeds(seeds), strict=True):
            console.start(seed)
            console.draw(self._pixels[index])
        return self._moment({})

    def step(self, actions: NDArray[np.integer], moving: Mask) -> Moment:
        """Take one decision (N,), indices of actions, in the worlds of a mask (N,) alone."""
        outcomes = {}
        for index, console in self._chosen(moving):
            outcomes[index] = console.step(int(actions[index]))
            console.draw(self._pixels[index])
        return self._moment(outcomes)

    def go_on(self, actions: NDArray[np.integer], ended: Mask) -> Moment:
        """Take one decision (N,); the worlds of a mask (N,) start their next episodes instead."""
        for index, console in self._chosen(ended):
            console.start_next()
            console.draw(self._pixels[index])
        return self.step(actions, ~ended)

    def _chosen(self, worlds: Mask) -> Iterator[tuple[int, Console]]:
        return ((int(index), self.consoles[index]) for index in np.flatnonzero(worlds))

    def _moment(self, outcomes: dict[int, tuple[int, bool, bool]]) -> Moment:
        rewards = np.zeros(self.num_worlds, np.int64)
        over, cut = np.zeros((2, self.num_worlds), np.bool_)
        for index, outcome in outcomes.items():
            rewards[index], over[index], cut[index] = outcome
        counts = np.array([console.counts() for console in self.consoles], np.int64)
        return Moment(self._pixels, rewards, over, cut, counts[:, 0], counts[:, 1])

    def close(self) -> None:
        """Nothing is held that the last reference does not give back."""


def open_consoles(config: ConsoleConfig, num_worlds: int, threads: int) -> Consoles:
    """Return the consoles that are fastest on that many threads."""
    return PlainConsoles(config, num_worlds) if threads == 1 else VectorConsoles(config, num_worlds, threads)
