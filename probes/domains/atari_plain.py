"""Atari consoles stepped from Python, with their memories open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from probes.domains.atari import emulator, rom_path
from probes.domains.atari_consoles import FRAME_SKIP, NOOP_MAX, ConsoleConfig, Mask, Moment, emulator_seeds
from probes.domains.atari_frames import SIDE


def _noops(seed: int) -> int:
    """Draw how many frames an episode waits, as the native environment does: std::mt19937, Lemire (2019)."""
    bits = np.random.MT19937()
    bits._legacy_seeding(seed)  # as std::mt19937 is seeded
    while True:
        product = int(bits.random_raw()) * NOOP_MAX
        if product % 2**32 >= 2**32 % NOOP_MAX:
            return product >> 32


@dataclass(frozen=True)
class SavedConsole:
    """A console's whole state, to go on from."""

    machine: bytes
    screens: NDArray[np.uint8]
    """(2, rows, columns, 3): what the machine shows is stale after a restore, so it is kept apart."""
    elapsed: int


class Console:
    """One world, with its memory open.

    Args:
        config: the game.

    Raises:
        ProbeError: there is no such game.
    """

    def __init__(self, config: ConsoleConfig) -> None:
        self._config = config
        self._rom = rom_path(config.game)
        self._machine = emulator().ALEInterface()
        self._machine.setFloat("repeat_action_probability", config.sticky)
        self._machine.setInt("random_seed", 0)
        self._machine.loadROM(self._rom)
        self._pristine = self._machine.cloneState(include_rng=True)
        self._actions = self._machine.getMinimalActionSet()
        self._fire = next((action for action in self._actions if action.name == "FIRE"), None)
        self._screens = np.zeros((2, *self._machine.getScreenDims(), 3), np.uint8)
        self._elapsed = 0

    def start(self, seed: int) -> None:
        """Start an episode by a seed from 0 to 2^31 - 1."""
        machine = self._machine
        if self._config.sticky:  # only then does the machine draw, and only loading seeds its draws
            machine.setInt("random_seed", seed)
            machine.loadROM(self._rom)
        else:
            machine.restoreState(self._pristine)
        machine.reset_game()
        waiting = _noops(seed)
        if self._fire is not None:
            machine.act(self._fire)
            waiting -= 1
        for _ in range(waiting):
            machine.act(0)
            if machine.game_over():
                machine.reset_game()
        self._screens[1] = 0
        machine.getScreenRGB(self._screens[0])
        self._elapsed = 0

    def step(self, action: int) -> tuple[int, bool, bool]:
        """Take a decision; return its reward, whether the game is over, and whether the episode is cut."""
        reward, is_over, is_cut = 0, False, False
        for left in reversed(range(FRAME_SKIP)):
            reward += self._machine.act(self._actions[action])
            self._elapsed += 1
            is_over, is_cut = self._machine.game_over(), self._elapsed >= self._config.max_frames
            if is_over or is_cut:
                break
            if left < 2:
                self._machine.getScreenRGB(self._screens[left])
        return reward, is_over, is_cut and not is_over

    def draw(self, out: NDArray[np.uint8]) -> None:
        """Write the picture into `out` (84, 84, 3); once after each start or step."""
        np.maximum(self._screens[0], self._screens[1], out=self._screens[0])
        cv2.resize(self._screens[0], (SIDE, SIDE), dst=out, interpolation=cv2.INTER_AREA)

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
        """Copy all that the future depends on."""
        machine = self._machine.cloneState(include_rng=True).serialize()
        return SavedConsole(machine, self._screens.copy(), self._elapsed)

    def restore(self, saved: SavedConsole) -> None:
        """Go on from what `save` returned, also of another console of the same game."""
        self._machine.restoreState(emulator().ALEState(saved.machine))
        self._screens[:] = saved.screens
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
        cv2.setNumThreads(1)  # threads of OpenCV's own cost more than so small a picture takes
        self.num_worlds = num_worlds
        self.consoles = [Console(config) for _ in range(num_worlds)]
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
