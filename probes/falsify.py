"""Falsification: direct search for a start from which something fails, by its number of simulator steps.

A method proposes starts and is told how each went; the search ends with the first failure. One meter counts
every simulator step, of what a method records for itself too, so that methods are compared by what they cost.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import cma
import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.stats import qmc

Floats = NDArray[np.float64]
Batch = TypeVar("Batch")
Other = TypeVar("Other")

POPULATION = 16
"""Starts that are proposed at a time."""
ELITES = 4
"""Of them, those that the cross-entropy method goes on from."""
_SMOOTHING = 0.5
"""Share of the elites in the next distribution; 0.4 to 0.9 is common (de Boer and others 2005). With so few
elites, 0.7 shrinks to a point within six batches."""
_COLLAPSED = 0.05
"""Mean standard deviation, as a share of the space, below which the cross-entropy method starts over."""
_FIRST_SPREAD = 0.3
"""Of CMA-ES, as a share of the space: about a third, as Hansen advises."""


@dataclass(frozen=True)
class Run:
    """How one start went."""

    steps: int
    """Of the simulator."""
    cost: float
    """Finite; the less, the nearer to a failure."""
    is_failure: bool


#: Yields batches of starts, is sent the runs of each in the order of its starts, ends when it has no more.
Proposals: TypeAlias = Generator[Batch, Sequence[Run], None]


class OutOfStepsError(Exception):
    """The budget is spent."""


class Meter:
    """Counts simulator steps.

    Args:
        budget: how many there may be.
        on_steps: told the count whenever it grows.
    """

    def __init__(self, budget: int, on_steps: Callable[[int], None] | None = None) -> None:
        self.budget, self.spent, self._on_steps = budget, 0, on_steps

    def spend(self, steps: int) -> None:
        """Count steps.

        Raises:
            OutOfStepsError: they are more than there were left.
        """
        assert steps >= 0
        self.spent += steps
        if self._on_steps is not None:
            self._on_steps(min(self.spent, self.budget))
        if self.spent > self.budget:
            raise OutOfStepsError


@dataclass(frozen=True)
class Attempt:
    """One search, by one method and seed."""

    seed: int
    is_found: bool
    steps: int
    """Until the first failure, that run included; the budget if none was found."""
    runs: int
    recorded: int
    """Of the steps, those that were not of runs."""
    least_cost: float | None
    """Of all runs; None without any."""


def find_failure(
    method: Callable[[int, Meter], Proposals[Batch]],
    play: Callable[[Batch], Sequence[Run]],
    seed: int,
    budget: int,
    on_steps: Callable[[int], None] | None = None,
) -> Attempt:
    """Search until the first failure, or until the steps are spent.

    Runs count in the order in which they were proposed, as if each had been played alone: what a batch plays
    beyond the first failure costs nothing.

    Args:
        method: makes the proposals of a seed, and counts what it records for itself on the meter.
        play: plays a batch of starts.
        seed: of all that is random in the method.
        budget: steps.
        on_steps: told how many are spent.
    """
    meter, seen = Meter(budget, on_steps), list[Run]()
    try:
        is_found = _fails(method(seed, meter), play, meter, seen)
    except OutOfStepsError:
        is_found = False
    recorded = meter.spent - sum(run.steps for run in seen)
    least = min((run.cost for run in seen), default=None)
    return Attempt(seed, is_found, meter.spent if is_found else budget, len(seen), recorded, least)


def _fails(
    proposals: Proposals[Batch], play: Callable[[Batch], Sequence[Run]], meter: Meter, seen: list[Run]
) -> bool:
    """Play until something fails, and tell whether it did; what was counted is added to `seen`."""
    batch = next(proposals, None)
    while batch is not None:
        runs = play(batch)
        for run in runs:
            seen.append(run)
            meter.spend(run.steps)
            if run.is_failure:
                return True
        try:
            batch = proposals.send(runs)
        except StopIteration:
            return False
    return False


def uniform(dimensions: int, seed: int) -> Proposals[Floats]:
    """Draw points (POPULATION, D) of the unit cube, each alike."""
    rng = np.random.default_rng(seed)
    while True:
        yield rng.random((POPULATION, dimensions))


def halton(dimensions: int, seed: int) -> Proposals[Floats]:
    """Walk through the unit cube by Halton's sequence, scrambled (Owen 2017)."""
    sequence = qmc.Halton(dimensions, scramble=True, rng=np.random.default_rng(seed))
    while True:
        yield np.asarray(sequence.random(POPULATION), np.float64)


def cross_entropy(dimensions: int, seed: int) -> Proposals[Floats]:
    """Draw from normal distributions cut to the unit cube, fitted to the best of each batch.

    The cross-entropy method (Rubinstein and Kroese 2004), one distribution for each number. The first batch
    is drawn uniformly, and so is another once the distributions have shrunk to a point.
    """
    rng = np.random.default_rng(seed)
    while True:
        points = rng.random((POPULATION, dimensions))
        mean, spread = np.full(dimensions, 0.5), np.full(dimensions, math.sqrt(1 / 12))
        while spread.mean() > _COLLAPSED:
            runs = yield points
            best = points[np.argsort([run.cost for run in runs], kind="stable")[:ELITES]]
            mean, spread = moved(mean, best.mean(0)), moved(spread, best.std(0))
            points = cut_normal(rng.random(points.shape), mean, spread)


def moved(before: Floats, wanted: Floats) -> Floats:
    """Return what lies between what was before and what is wanted, by `_SMOOTHING`."""
    return _SMOOTHING * wanted + (1 - _SMOOTHING) * before


def cut_normal(shares: Floats, mean: Floats, spread: Floats) -> Floats:
    """Return the quantiles at some shares (N, D) of normal distributions (D,) cut to [0, 1]."""
    spread = np.maximum(spread, 1e-6)
    low, high = special.ndtr(-mean / spread), special.ndtr((1 - mean) / spread)
    found = mean + spread * special.ndtri(low + shares * (high - low))
    return np.clip(np.asarray(found, np.float64), 0.0, 1.0)


def cma_es(dimensions: int, seed: int) -> Proposals[Floats]:
    """Search the unit cube by CMA-ES (Hansen and Ostermeier 2001), anew once it has converged."""
    rng = np.random.default_rng(seed)
    while True:
        options = {
            "bounds": [0.0, 1.0],
            "popsize": POPULATION,
            "seed": int(rng.integers(1, 2**31)),
            "verbose": -9,
        }
        strategy = cma.CMAEvolutionStrategy(rng.random(dimensions), _FIRST_SPREAD, options)
        while not strategy.stop():
            points = strategy.ask()
            runs = yield np.asarray(points)
            strategy.tell(points, [run.cost for run in runs])


POINT_METHODS: Mapping[str, Callable[[int, int], Proposals[Floats]]] = {
    "uniform": uniform,
    "halton": halton,
    "cross-entropy": cross_entropy,
    "cma-es": cma_es,
}
"""Methods that propose points (P, D) of the unit cube; each is given D and a seed."""


def placed(points: Proposals[Floats], place: Callable[[Floats], Other]) -> Proposals[Other]:
    """Propose what points stand for."""
    batch = next(points, None)
    while batch is not None:
        runs = yield place(batch)
        try:
            batch = points.send(runs)
        except StopIteration:
            return


def recorded(record: Callable[[int], tuple[Batch, int]], meter: Meter) -> Proposals[Batch]:
    """Propose what was recorded, and record anew once all of it has been tried.

    Args:
        record: given how often it was asked before, returns starts, the most promising first, and the steps
            that recording them took.
        meter: on which those steps are counted.
    """
    turn = 0
    while True:
        batch, steps = record(turn)
        meter.spend(steps)
        yield batch
        turn += 1
