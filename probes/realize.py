"""Back into the simulator: the numbers of a moment are refined until it looks as a state does, by CMA-ES.

Which moment a state shows at first sight, and what numbers look like, whoever asks has to know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cma
import numpy as np
from numpy.typing import NDArray

from probes.agent import ProbeError

Floats = NDArray[np.float64]

Cost = Callable[[Floats], Floats]
"""(P, D) numbers -> (P, B) how far each of B blocks of them is from what is wanted."""


@dataclass(frozen=True)
class RefineConfig:
    """How long, and how widely."""

    generations: int = 40
    population: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("generations", 1), ("population", 4)):
            if getattr(self, name) < least:
                raise ProbeError(f"{name}: found {getattr(self, name)}, allowed are {least} and more")


DEFAULT = RefineConfig()


def refine(
    cost: Cost,
    start: Floats,
    scale: Floats,
    blocks: Sequence[slice],
    config: RefineConfig = DEFAULT,
) -> Floats:
    """Search numbers of little cost by CMA-ES (Hansen and Ostermeier 2001), one search for each block.

    Blocks hardly depend on each other: who stands on the left changes nothing of who stands on the right. All
    of them are tried at once, each judged by its own cost, so that ten take as many steps as one.

    Args:
        cost: of `config.population` sets of numbers at a time.
        start: (D,) where the search begins.
        scale: (D,) how far off each number may be.
        blocks: B parts of the numbers.
        config: how long.

    Returns:
        (D,) the middle of what the last generations tried.

    Raises:
        ProbeError: a cost is not finite.
    """
    # Of its own: by itself cma seeds NumPy's global generator, from which other threads draw too.
    draws = np.random.RandomState(config.seed + len(blocks))
    options = {"popsize": config.population, "verbose": -9, "seed": np.nan, "randn": draws.randn}
    strategies = [
        cma.CMAEvolutionStrategy(np.zeros(len(start[block])), 1.0, dict(options)) for block in blocks
    ]
    for _ in range(config.generations):
        units = [strategy.ask() for strategy in strategies]
        tried = np.tile(start, (config.population, 1))
        for block, unit in zip(blocks, units, strict=True):
            tried[:, block] += scale[block] * np.asarray(unit)
        costs = cost(tried)
        if not np.isfinite(costs).all():
            raise ProbeError("realize: the cost of a moment is not finite")
        for strategy, unit, column in zip(strategies, units, costs.T, strict=True):
            strategy.tell(unit, column.tolist())
    found = start.copy()
    for block, strategy in zip(blocks, strategies, strict=True):
        found[block] += scale[block] * strategy.mean
    return found
