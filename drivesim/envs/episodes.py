"""Which episode each of N worlds is in: its seed, its sums, and whether it has ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivesim.envs.rewards import Ending
from drivesim.world.random import EPISODES, hash_key
from drivesim.world.state import Records

HELD_OUT = 1_000_000
"""Seeds from here on are for final evaluation only; an environment seeded below never draws one of them."""
DEVELOPMENT = 500_000
"""Where evaluations start that are not final: most seeds below it are trained on, few above."""
_SUMS = ("return", "length", "distance_m", "ran_red")


def later_seed(base: int, count: int) -> int:
    """Return the seed of a world's `count`-th later episode, on the same side of `HELD_OUT` as its first."""
    first = HELD_OUT if base >= HELD_OUT else 0
    return first + int(hash_key(base, EPISODES, 0, count, 0) % np.uint64(HELD_OUT))


def spread_seed(seed: int, worlds: int) -> list[int]:
    """Return one seed per world, counted up from `seed`; below `HELD_OUT` they start over before it."""
    if seed >= HELD_OUT:
        return [seed + n for n in range(worlds)]
    return [(seed + n) % HELD_OUT for n in range(worlds)]


class EpisodeBook:
    """Keeps the seeds and sums of N worlds' episodes."""

    def __init__(self, worlds: int) -> None:
        self.needs_reset = np.ones(worlds, np.bool_)
        """(N,) whether the episode has ended, or none has begun."""
        self._base_seeds = np.arange(worlds)
        self._counts = np.zeros(worlds, np.int64)
        self._sums = {name: np.zeros(worlds) for name in _SUMS}

    def seed(
        self, seeds: Sequence[int | None], chosen: NDArray[np.bool_], generator: np.random.Generator
    ) -> None:
        """Set the seeds of the chosen worlds' next episodes.

        Args:
            seeds: (N,); None goes on with the world's own sequence, or draws its first from `generator`.
            chosen: (N,) which worlds.
            generator: asked only by worlds that were never seeded.
        """
        for n in np.flatnonzero(chosen):
            given = seeds[int(n)]
            if given is not None:
                self._base_seeds[n], self._counts[n] = given, 0
            elif self._counts[n] == 0:
                self._base_seeds[n] = generator.integers(HELD_OUT)

    def begin(self, worlds: NDArray[np.int64]) -> NDArray[np.int64]:
        """Open the next episode of some worlds (M,); return its seeds (M,)."""
        seeds = np.empty(len(worlds), np.int64)
        for i, n in enumerate(worlds):
            base, count = int(self._base_seeds[n]), int(self._counts[n])
            seeds[i] = base if count == 0 else later_seed(base, count)
        self._counts[worlds] += 1
        for total in self._sums.values():
            total[worlds] = 0.0
        self.needs_reset[worlds] = False
        return seeds

    def resume(self) -> None:
        """Go on in the middle of episodes whose past is not known: nothing has ended, the sums start at 0."""
        self.needs_reset[:] = False
        for total in self._sums.values():
            total[:] = 0.0

    def add(self, outcomes: Records, rewards: NDArray[np.float64], moving: NDArray[np.bool_]) -> None:
        """Add one decision of the moving worlds to their sums."""
        self._sums["return"] += rewards
        self._sums["length"] += moving
        self._sums["distance_m"] += outcomes["progress"]
        self._sums["ran_red"] += outcomes["ran_red"]

    def report(self, reasons: NDArray[np.int8]) -> dict[str, NDArray[np.float64]]:
        """Return the sums, and which severe ending each world met, (N,) each."""
        report = {name: total.copy() for name, total in self._sums.items()}
        for reason in (Ending.PERSON, Ending.CAR, Ending.OFF_ROAD):
            report[f"ended_{reason.name.lower()}"] = (reasons == reason).astype(np.float64)
        return report

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that is kept by name, not copied: what a checkpoint stores."""
        return {
            **{f"sum_{name}": total for name, total in self._sums.items()},
            "needs_reset": self.needs_reset,
            "base_seeds": self._base_seeds,
            "episodes": self._counts,
        }
