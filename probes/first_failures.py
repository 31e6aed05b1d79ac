"""What searches for a first failure came to: steps over seeds, method against method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import stats

from probes import statistics
from probes.falsify import Attempt
from probes.statistics import Estimate


@dataclass(frozen=True)
class Summary:
    """Steps to the first failure over S seeds; None where a number lies beyond the budget.

    A search that found nothing counts as one that would have needed more than the budget.
    """

    found: Estimate
    """Share of the seeds."""
    median: float | None
    low: float | None
    """Of the median's 95% interval, by order statistics."""
    high: float | None
    first_quartile: float | None
    third_quartile: float | None
    recorded: float
    """Mean steps that were not of runs."""
    runs: float
    """Mean."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)


def summarise(attempts: Sequence[Attempt]) -> Summary:
    """Sum up the searches of one method."""
    steps = np.sort([attempt.steps if attempt.is_found else np.inf for attempt in attempts])
    rank = median_rank(len(steps))
    quartiles = np.quantile(steps, [0.25, 0.75], method="inverted_cdf")
    return Summary(
        found=statistics.share(sum(attempt.is_found for attempt in attempts), len(attempts)),
        median=_finite(np.median(steps)),
        low=_finite(steps[rank - 1]) if rank else 0.0,
        high=_finite(steps[len(steps) - rank]) if rank else None,
        first_quartile=_finite(quartiles[0]),
        third_quartile=_finite(quartiles[1]),
        recorded=float(np.mean([attempt.recorded for attempt in attempts])),
        runs=float(np.mean([attempt.runs for attempt in attempts])),
    )


def median_rank(n: int) -> int:
    """Return r so that the r-th least and the r-th greatest of n hold the median with 95% or more; 0 if none.

    P(median < X_(r)) = P(Binomial(n, 1/2) < r), and the same above.
    """
    return int(np.sum(stats.binom.cdf(np.arange(n // 2), n, 0.5) <= 0.025))


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


@dataclass(frozen=True)
class Duel:
    """On the same seeds, which of two methods found a failure sooner."""

    sooner: int
    later: int
    neither: int
    """Seeds on which both needed as many, or found nothing."""
    share: Estimate | None
    """Sooner, of the seeds that tell; None if none does."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)


def duel(attempts: Sequence[Attempt], others: Sequence[Attempt]) -> Duel:
    """Compare the searches of two methods, of the same seeds in the same order."""
    assert [a.seed for a in attempts] == [b.seed for b in others]
    ours, theirs = (
        np.array([each.steps if each.is_found else np.inf for each in side]) for side in (attempts, others)
    )
    sooner, later = int((ours < theirs).sum()), int((ours > theirs).sum())
    told = statistics.share(sooner, sooner + later) if sooner + later else None
    return Duel(sooner, later, len(ours) - sooner - later, told)


def fastest(summaries: Mapping[str, Summary]) -> str | None:
    """Return the method of the least median; None if every median lies beyond the budget."""
    medians = {name: told.median for name, told in summaries.items() if told.median is not None}
    return min(medians, key=lambda name: medians[name]) if medians else None


def found_over_steps(attempts: Sequence[Attempt], budget: int) -> tuple[list[float], list[float]]:
    """Return the corners of the share of seeds that have found a failure, over steps up to the budget."""
    found = sorted(float(attempt.steps) for attempt in attempts if attempt.is_found)
    shares = [k / len(attempts) for k in range(len(found) + 1)]
    x = [0.0, *(step for step in found for _ in range(2)), float(budget)]
    return x, [share for share in shares for _ in range(2)]
