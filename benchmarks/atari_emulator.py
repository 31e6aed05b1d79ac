"""What a decision in an Atari game costs that gives both images: colour for state models, gray for agents.

One pass of the emulator's machine is drawn in colour, and the gray is made of that. The peer is ale-py's
vector environment in gray alone, stacking natively: same game, worlds, seeds, actions and thread, so that
both play the same. While this runs no world is started anew by a seed; in `AtariLearningEnv` that takes less
than a microsecond a decision in the long run, and ten with several threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.row import Row
from benchmarks.timing import median_ratio, rates_in_turns
from probes.domains.atari import emulator, find_game
from probes.domains.atari_consoles import FRAME_SKIP, NOOP_MAX, ConsoleConfig, Moment
from probes.domains.atari_frames import SIDE, STACK, PictureStack, gray_from_pixels, planes_from_pixels
from probes.domains.atari_learning import AtariLearningEnv
from probes.domains.atari_plain import open_consoles
from probes.domains.atari_simulation import AtariSimulation

TARGET = 1.35
CONFIG = ConsoleConfig("pong")


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    worlds: int = 16
    steps: int = 100
    """Of each world in a turn."""
    repeats: int = 15


class BothImages:
    """N worlds whose stacks in colour and in gray come of one pass of the emulator, on one thread.

    Args:
        config: the game.
        num_worlds: N.
    """

    def __init__(self, config: ConsoleConfig, num_worlds: int) -> None:
        self._consoles = open_consoles(config, num_worlds, threads=1)
        self._colour = PictureStack(num_worlds, (3, SIDE, SIDE))
        self._gray = PictureStack(num_worlds, (SIDE, SIDE))
        self._everywhere = np.ones(num_worlds, np.bool_)
        self._ended = self._everywhere

    def reset(self, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Start an episode in every world, in world n by `seed + n`; return what `step` does."""
        self._ended = self._everywhere
        return self._show(self._consoles.start(self._everywhere, range(seed, seed + len(self._everywhere))))

    def step(self, actions: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Take one decision (N,); return the stacks in colour (N, 4, 3, 84, 84) and gray (N, 4, 84, 84)."""
        return self._show(self._consoles.go_on(actions, self._ended))

    def _show(self, moment: Moment) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        planes_from_pixels(moment.pixels, self._colour.next())
        gray_from_pixels(moment.pixels, self._gray.next())
        self._colour.repeat(self._ended)
        self._gray.repeat(self._ended)
        self._ended = moment.is_over | moment.is_cut
        return self._colour.stacks(), self._gray.stacks()

    def close(self) -> None:
        """End the threads."""
        self._consoles.close()


def native_gray(config: ConsoleConfig, num_worlds: int) -> Any:
    """Return ale-py's own vector environment, stacks in gray alone, on one thread."""
    return emulator().vector_env.AtariVectorEnv(
        find_game(config.game),
        num_worlds,
        num_threads=1,
        max_num_frames_per_episode=config.max_frames,
        repeat_action_probability=config.sticky,
        grayscale=True,
        stack_num=STACK,
        img_height=SIDE,
        img_width=SIDE,
        frameskip=FRAME_SKIP,
        noop_max=NOOP_MAX,
        reward_clipping=False,
    )


def restarting(simulation: AtariSimulation) -> Callable[[NDArray[np.int64]], None]:
    """Return what steps a simulation and starts another episode where one has ended."""
    seeds = count(simulation.num_worlds)

    def step(actions: NDArray[np.int64]) -> None:
        ended = simulation.step(actions).ended
        if ended.any():
            simulation.restart(ended, [next(seeds) for _ in range(int(ended.sum()))])

    return step


def turn(step: Callable[[NDArray[np.int64]], object], actions: NDArray[np.int64]) -> Callable[[], float]:
    """Return what takes the decisions (steps, N) and says how many they were."""

    def work() -> float:
        for row in actions:
            step(row)
        return actions.size

    return work


def rates(size: Size) -> dict[str, list[float]]:
    """Return the decisions per second of every contestant in each turn."""
    both, native = BothImages(CONFIG, size.worlds), native_gray(CONFIG, size.worlds)
    simulation, learning = AtariSimulation(CONFIG, size.worlds), AtariLearningEnv(CONFIG, size.worlds)
    seeds = np.arange(size.worlds)
    shape = (size.steps, size.worlds)
    actions = np.random.default_rng(0).integers(0, len(learning.actions), shape)
    try:
        both.reset(0)
        native.reset(seed=seeds)
        simulation.reset(seeds.tolist())
        learning.reset(seed=0)
        steps = {
            "ours": both.step,
            "peer": native.step,
            "simulation": restarting(simulation),
            "learning": learning.step,
        }
        return rates_in_turns({name: turn(step, actions) for name, step in steps.items()}, size.repeats)
    finally:
        for env in (both, native, simulation, learning):
            env.close()


def measure(size: Size = Size()) -> Row:
    """Measure the row."""
    found = rates(size)
    microseconds = {name: 1e6 / median(of_turns) for name, of_turns in found.items()}
    # A cost is one over a rate, so its ratio is that of the rates turned round.
    ratios = {name: median_ratio(found["peer"], of_turns) for name, of_turns in found.items()}
    return Row(
        "atari-emulator",
        "us/decision",
        microseconds["ours"],
        f"both images at most {TARGET} times the peer's gray",
        ratios["ours"] <= TARGET,
        peer=microseconds["peer"],
        peer_name="ale-py AtariVectorEnv, gray alone, its own stacks",
        ratio_peer=ratios["ours"],
        more={
            "colour_alone": microseconds["simulation"],
            "ratio_peer_colour_alone": ratios["simulation"],
            "gray_alone": microseconds["learning"],
            "ratio_peer_gray_alone": ratios["learning"],
            "game": CONFIG.game,
            "worlds": size.worlds,
            "steps": size.steps,
            "repeats": size.repeats,
        },
    )
