"""N Atari consoles stepped together, in colour, by either of two paths.

`VectorConsoles` is ale-py's native vector environment: threads, but no memory to look at, and starting an
episode by a seed takes it a tenth of a second, because the ROM is loaded anew. `PlainConsoles` steps one
interface per world from Python on one thread: it is faster per core, for the pictures are drawn here, starts
episodes sixteen times faster without sticky actions, and gives the memory of 128 bytes. Both play the same
games and show the same pictures, bit for bit.

A decision lasts four frames; a picture is the brighter of the last two in each channel, made 84x84 by area
(Mnih et al. 2015). An episode starts after 0 to 29 frames of doing nothing, drawn by its seed, with the
button pressed first where the game has one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from probes.agent import ProbeError
from probes.domains.atari import emulator, find_game, rom_path
from probes.domains.atari_frames import SIDE

FRAME_SKIP = 4
"""Frames that a decision lasts."""
MAX_FRAMES = 108_000
"""Frames, half an hour of play, after which an episode is cut off."""
NOOP_MAX = 30
"""An episode starts after fewer frames of doing nothing than this."""

Mask = NDArray[np.bool_]


class Moment(NamedTuple):
    """What one decision led to in each of N worlds."""

    pixels: NDArray[np.uint8]
    """(N, 84, 84, 3), the picture in colour."""
    rewards: NDArray[np.int64]
    """(N,), as the game gives them: not clipped."""
    is_over: Mask
    """(N,), whether the game has ended."""
    is_cut: Mask
    """(N,), whether the episode was cut off for its length."""
    lives: NDArray[np.int64]
    """(N,), that are left; 0 in games that count none."""
    frames: NDArray[np.int64]
    """(N,), since the game was reset."""


@dataclass(frozen=True)
class ConsoleConfig:
    """How a game is played."""

    game: str
    """As `find_game` takes it."""
    sticky: float = 0.0
    """Probability with which a frame repeats the last action instead (Machado et al. 2018 advise 0.25). The
    paper's agents, and most that can be imported, learned without."""
    max_frames: int = MAX_FRAMES

    def __post_init__(self) -> None:
        if not 0.0 <= self.sticky < 1.0:
            raise ProbeError(f"sticky: found {self.sticky}, allowed are 0 up to, not including, 1")
        if self.max_frames < FRAME_SKIP:
            raise ProbeError(f"max_frames: found {self.max_frames}, allowed are {FRAME_SKIP} and more")


class Consoles(Protocol):
    """N worlds that play one game."""

    num_worlds: int

    def start(self, worlds: Mask, seeds: Sequence[int]) -> Moment:
        """Start episodes in the worlds of a mask (N,), one seed each; tell how all worlds stand."""
        ...

    def step(self, actions: NDArray[np.integer], moving: Mask) -> Moment:
        """Take one decision (N,), indices of actions, in the worlds of a mask (N,) at least."""
        ...

    def go_on(self, actions: NDArray[np.integer], ended: Mask) -> Moment:
        """Take one decision (N,); worlds whose episode has ended, a mask (N,), start their next instead."""
        ...

    def close(self) -> None:
        """Give back what is held; closing twice is harmless."""
        ...


def game_digest(config: ConsoleConfig) -> str:
    """Return the sha256 of all that decides how a game plays out, seeds and actions aside."""
    rom = hashlib.sha256(Path(rom_path(config.game)).read_bytes()).hexdigest()
    settings = (rom, emulator().__version__, config.sticky, config.max_frames, FRAME_SKIP, NOOP_MAX)
    return hashlib.sha256(repr(settings).encode()).hexdigest()


def emulator_seeds(seeds: Sequence[int]) -> list[int]:
    """Fold seeds into what the emulator takes: 0 to 2^31 - 1."""
    return [int(seed) % 2**31 for seed in seeds]


class VectorConsoles:
    """N worlds in ale-py's native vector environment.

    A world whose episode has ended starts another by itself at the next step, whatever its action.

    Args:
        config: the game.
        num_worlds: N.
        threads: that step them.

    Raises:
        ProbeError: there is no such game.
    """

    def __init__(self, config: ConsoleConfig, num_worlds: int, threads: int = 1) -> None:
        self.num_worlds = num_worlds
        # One picture at a time: stacks are made here, because the first picture is to stand for those
        # before it, and because that copies a quarter as much.
        self._env: Any = emulator().vector_env.AtariVectorEnv(
            find_game(config.game),
            num_worlds,
            num_threads=threads,
            max_num_frames_per_episode=config.max_frames,
            repeat_action_probability=config.sticky,
            grayscale=False,
            stack_num=1,
            img_height=SIDE,
            img_width=SIDE,
            frameskip=FRAME_SKIP,
            noop_max=NOOP_MAX,
            reward_clipping=False,
        )
        self._has_begun = False

    def start(self, worlds: Mask, seeds: Sequence[int]) -> Moment:
        """Start episodes in the worlds of a mask (N,), one seed each; tell how all worlds stand."""
        given = np.array(emulator_seeds(seeds), np.int64)
        if not self._has_begun:  # the first start must be of all
            spread = np.zeros(self.num_worlds, np.int64)
            spread[worlds] = given
            worlds, given, self._has_begun = np.ones_like(worlds), spread, True
        pixels, info = self._env.reset(seed=given, options={"reset_mask": worlds})
        no = np.zeros(self.num_worlds, np.bool_)
        return self._moment(pixels, np.zeros(self.num_worlds), no, no, info)

    def step(self, actions: NDArray[np.integer], moving: Mask) -> Moment:
        """Take one decision (N,), indices of actions, in all worlds, whatever the mask."""
        del moving
        pixels, rewards, over, cut, info = self._env.step(np.asarray(actions, np.int64))
        return self._moment(pixels, rewards, over, cut, info)

    def go_on(self, actions: NDArray[np.integer], ended: Mask) -> Moment:
        """Take one decision (N,); worlds whose episode has ended, a mask (N,), start their next instead."""
        return self.step(actions, ~ended)

    @staticmethod
    def _moment(pixels: Any, rewards: Any, over: Any, cut: Any, info: Any) -> Moment:
        lives, frames = (np.asarray(info[key], np.int64) for key in ("lives", "episode_frame_number"))
        return Moment(pixels[:, 0], np.asarray(rewards, np.int64), over, cut, lives, frames)

    def close(self) -> None:
        """End the threads."""
        self._env = None
