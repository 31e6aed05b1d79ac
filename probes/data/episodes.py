"""Episodes played to their ends, one per seed, and what came of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.data.simulation import Simulation, SimulationFactory, Step

KIND = "episodes"
FILE = "episodes.json"

#: Chooses actions (B,) for stored states (B, T, M, H, W).
Player = Callable[[NDArray[np.uint8]], NDArray[np.int64]]
#: Reads how far each world (N,) has come since its episode began.
Odometer = Callable[[Simulation], NDArray[np.float64]]
#: Told after each decision how many were taken in all worlds, and how many episodes have ended.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Episodes:
    """What came of E episodes, in the order of their seeds; all arrays are (E,)."""

    seeds: NDArray[np.int64]
    returns: NDArray[np.float64]
    """Sums of rewards."""
    lengths: NDArray[np.int64]
    """Decisions."""
    endings: NDArray[np.str_]
    distances: NDArray[np.float64]
    """What the odometer read at the ends; 0 without one."""

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {name: column.tolist() for name, column in vars(self).items()}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Episodes:
        """Build episodes from what `to_json` returned."""
        kinds = {"returns": np.float64, "distances": np.float64, "endings": np.str_}
        return Episodes(
            **{name: np.array(column, kinds.get(name, np.int64)) for name, column in data.items()}
        )

    def count_endings(self) -> dict[str, int]:
        """Count the episodes by how they ended, the most frequent first."""
        names, counts = np.unique(self.endings, return_counts=True)
        return {str(names[i]): int(counts[i]) for i in np.argsort(-counts, kind="stable")}


class Playthrough:
    """W worlds that play one episode per seed.

    A world whose episode has ended takes the next seed, and stands still once there are no more. Which world
    plays a seed changes nothing.

    Args:
        simulation: of W worlds.
        seeds: of the episodes, at least W.
        odometer: read when an episode ends.

    Raises:
        ProbeError: there are more worlds than seeds.
    """

    def __init__(
        self, simulation: Simulation, seeds: Sequence[int], odometer: Odometer | None = None
    ) -> None:
        worlds, count = simulation.num_worlds, len(seeds)
        if not 1 <= worlds <= count:
            raise ProbeError(f"episodes: found {worlds} worlds for {count} seeds, allowed are 1 to as many")
        self._simulation, self._seeds, self._odometer = simulation, seeds, odometer
        self._begun = worlds
        self._playing = np.arange(worlds)
        self._active = np.ones(worlds, np.bool_)
        self._states = simulation.reset(seeds[:worlds])
        self._returns, self._distances = np.zeros(count), np.zeros(count)
        self._lengths = np.zeros(count, np.int64)
        self._endings: list[str] = ["none"] * count
        self.finished = 0
        """Episodes that have ended."""

    @property
    def worlds(self) -> NDArray[np.int64]:
        """(K,), the worlds whose episodes go on."""
        return np.flatnonzero(self._active)

    @property
    def playing(self) -> NDArray[np.int64]:
        """(K,), which of the seeds they play."""
        return self._playing[self._active]

    @property
    def states(self) -> NDArray[np.uint8]:
        """(K, T, M, H, W), stored, what they show."""
        return self._states[self._active]

    @property
    def decisions(self) -> int:
        """Taken so far, in all episodes."""
        return int(self._lengths.sum())

    def step(self, actions: NDArray[np.integer]) -> Step:
        """Take one decision (K,) in each world whose episode goes on."""
        given = np.zeros(len(self._active), np.int64)
        given[self._active] = actions
        step = self._simulation.step(given)
        self._returns[self.playing] += step.rewards[self._active]
        self._lengths[self.playing] += 1
        self._states = step.observations
        ended = step.ended & self._active
        if ended.any():
            self._finish(ended, step.endings)
        return step

    def _finish(self, ended: NDArray[np.bool_], endings: NDArray[np.str_]) -> None:
        """Note how the episodes of a mask (W,) ended and start the next ones there."""
        worlds, which = np.flatnonzero(ended), self._playing[ended]
        for world, episode in zip(worlds, which, strict=True):
            self._endings[episode] = str(endings[world])
        if self._odometer is not None:
            self._distances[which] = self._odometer(self._simulation)[ended]
        self.finished += len(which)
        self._active[ended] = False
        starting = worlds[: len(self._seeds) - self._begun]
        if len(starting):
            self._active[starting] = True
            self._playing[starting] = self._begun + np.arange(len(starting))
            self._begun += len(starting)
            seeds = [self._seeds[i] for i in self._playing[starting]]
            self._states = self._simulation.restart(ended & self._active, seeds)

    def episodes(self) -> Episodes:
        """Return what came of the episodes so far."""
        return Episodes(
            np.array(self._seeds, np.int64),
            self._returns.copy(),
            self._lengths.copy(),
            np.array(self._endings),
            self._distances.copy(),
        )


def play(
    factory: SimulationFactory,
    player: Player,
    seeds: Sequence[int],
    *,
    worlds: int = 32,
    odometer: Odometer | None = None,
    progress: Progress | None = None,
) -> Episodes:
    """Play one episode per seed.

    Args:
        factory: makes the worlds.
        player: chooses the actions.
        seeds: of the episodes.
        worlds: at most so many at once; it changes nothing but the rounding of a network's outputs.
        odometer: read when an episode ends.
        progress: told of each decision.
    """
    simulation = factory(min(worlds, len(seeds)))
    try:
        run = Playthrough(simulation, seeds, odometer)
        while len(run.worlds):
            run.step(player(run.states))
            if progress is not None:
                progress(run.decisions, run.finished)
        return run.episodes()
    finally:
        simulation.close()


def recorded(
    path: Path,
    config: Mapping[str, Any],
    seed: int,
    parents: Mapping[str, Path],
    play: Callable[[], Episodes],
) -> Episodes:
    """Read the episodes of an artifact; if it is not there or its inputs have changed, play and write them.

    Args:
        path: of the artifact.
        config: everything but the first seed that decides what they are.
        seed: the first episode's.
        parents: artifacts that they depend on, by role.
        play: plays them.

    Raises:
        ProbeError: a parent is missing, or the artifact cannot be written.
    """
    if not artifact.is_current(path, KIND, config=config, seed=seed, parents=parents):
        with artifact.writing(path, KIND, config=config, seed=seed, parents=parents) as scratch:
            artifact.write_json(scratch / FILE, play().to_json())
    return Episodes.from_json(artifact.read_json(path / FILE))
