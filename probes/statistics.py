"""Estimates with 95% intervals: of shares, means, ratios, rates, differences, AUROC and kept shares.

Bootstrap intervals are percentiles over seeded resamples. A resample for which a statistic does not exist
counts against both ends; where that leaves an end open, there is no estimate and a `ValueError` says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]

DRAWS = 2000
"""Resamples of a bootstrap."""

_TAIL = 0.025
_BLOCK = 1 << 20
"""Numbers drawn at once, so that a bootstrap of many values needs little memory."""


@dataclass(frozen=True)
class Estimate:
    """A number and how far it is known."""

    value: float
    low: float
    """Of the 95% interval."""
    high: float
    n: int
    """Observations that it rests on."""

    def to_json(self) -> dict[str, Any]:
        """Return `{value, low, high, n}`."""
        return asdict(self)


def share(hits: float, n: int, tests: int = 1) -> Estimate:
    """Estimate a probability of which `n` trials gave `hits`, with Wilson's interval.

    Of several such intervals, `tests` of them, each is widened so that with 95% all hold (Bonferroni).
    """
    if not 0 <= hits <= n or n < 1:
        raise ValueError(f"a share needs at least one trial and 0 to n hits, got {hits:g} of {n}")
    z = float(stats.norm.isf(_TAIL / tests))
    p = hits / n
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    # Exact at the ends, where rounding would leave 1e-17 or 1 - 1e-16.
    low = 0.0 if hits == 0 else centre - half
    high = 1.0 if hits == n else centre + half
    return Estimate(p, low, high, n)


def mean(values: ArrayLike, seed: int = 0, draws: int = DRAWS) -> Estimate:
    """Estimate the mean of values (n,), by a bootstrap."""
    x = _column(values, "values")

    def statistic(picked: NDArray[np.int64]) -> Floats:
        means: Floats = x[picked].mean(axis=1)
        return means

    return _estimate(float(x.mean()), _resampled(statistic, len(x), seed, draws), len(x))


def difference(a: ArrayLike, b: ArrayLike, seed: int = 0, draws: int = DRAWS) -> Estimate:
    """Estimate the mean of a - b over pairs (n,), by a bootstrap over the pairs."""
    x, y = _paired(a=a, b=b)
    return mean(x - y, seed, draws)


def mean_share(shares: ArrayLike, tests: int = 1) -> Estimate:
    """Estimate a probability from its share in each of n groups of trials (n,), as `share` does.

    Each group counts as one trial, as if all of its trials had to end alike. The interval has a width even
    where all groups agree; a bootstrap over groups has none.
    """
    x = _column(shares, "shares")
    return share(float(x.sum()), len(x), tests)


def share_gap(a: Estimate, b: Estimate) -> Estimate:
    """Estimate a share less another from their Wilson intervals, by Newcombe's method 10 (1998).

    Returns:
        The difference; `n` is that of both together.
    """
    value = a.value - b.value
    low = value - math.hypot(a.value - a.low, b.high - b.value)
    high = value + math.hypot(a.high - a.value, b.value - b.low)
    return Estimate(value, low, high, a.n + b.n)


def ratio(numerators: ArrayLike, denominators: ArrayLike, seed: int = 0, draws: int = DRAWS) -> Estimate:
    """Estimate sum(numerators) / sum(denominators) over pairs (n,), by a bootstrap over the pairs.

    For example hits per kilometre, of episodes.

    Raises:
        ValueError: a denominator is negative, or so many are 0 that the interval has no upper end.
    """
    top, bottom = _paired(numerators=numerators, denominators=denominators)
    if bottom.min() < 0 or bottom.sum() == 0:
        raise ValueError("denominators must not be negative, nor all 0")

    def statistic(picked: NDArray[np.int64]) -> Floats:
        return _quotient(top[picked].sum(axis=1), bottom[picked].sum(axis=1))

    value = float(top.sum() / bottom.sum())
    return _estimate(value, _resampled(statistic, len(top), seed, draws), len(top))


def rate(count: int, exposure: float) -> Estimate:
    """Estimate a Poisson rate from `count` events over an `exposure`, with Garwood's exact interval.

    Returns:
        Events per unit of exposure; `n` is the count.
    """
    if count < 0 or not 0 < exposure < math.inf:
        raise ValueError(f"a rate needs a count and a positive exposure, got {count} over {exposure}")
    low = float(stats.chi2.ppf(_TAIL, 2 * count)) / 2 if count else 0.0
    high = float(stats.chi2.isf(_TAIL, 2 * count + 2)) / 2
    return Estimate(count / exposure, low / exposure, high / exposure, count)


def auroc(positives: ArrayLike, negatives: ArrayLike, seed: int = 0, draws: int = DRAWS) -> Estimate:
    """Estimate the probability that a positive (P,) exceeds a negative (N,), ties counting half.

    Both sides are resampled. Of sides that do not overlap every resample gives 1, or 0: the interval then
    shows nothing of how few they are; `n` does.

    Returns:
        The area under the curve; `n` is P + N.
    """
    above, below = _column(positives, "positives"), _column(negatives, "negatives")
    levels = np.unique(np.concatenate([above, below]))  # (L,)
    counts = [np.bincount(np.searchsorted(levels, side), minlength=len(levels)) for side in (above, below)]
    pairs = len(above) * len(below)
    rng = np.random.default_rng(seed)
    # Resampling values is drawing how often each level appears.
    areas = [
        _area(*(rng.multinomial(side.sum(), side / side.sum(), size) for side in counts)) / pairs
        for size in _blocks(draws, len(levels))
    ]
    value = float(_area(counts[0][None], counts[1][None])[0] / pairs)
    return _estimate(value, np.concatenate(areas), len(above) + len(below))


def kept_share(
    x: ArrayLike, agent: ArrayLike, floor: ArrayLike, seed: int = 0, draws: int = DRAWS
) -> Estimate:
    """Estimate (mean x - mean floor) / (mean agent - mean floor) over paired seeds (n,).

    How much of an agent's advantage over a floor, such as a parked car, is kept by one that is hindered.

    Raises:
        ValueError: the agent is not above the floor, or too little for an interval that has two ends.
    """
    kept, whole, nothing = _paired(x=x, agent=agent, floor=floor)
    gain, advantage = kept - nothing, whole - nothing
    if advantage.mean() <= 0:
        raise ValueError(f"the agent's mean is not above the floor's: {whole.mean():g}, {nothing.mean():g}")

    def statistic(picked: NDArray[np.int64]) -> Floats:
        return _quotient(gain[picked].mean(axis=1), advantage[picked].mean(axis=1))

    value = float(gain.mean() / advantage.mean())
    return _estimate(value, _resampled(statistic, len(gain), seed, draws), len(gain))


def _column(values: ArrayLike, name: str) -> Floats:
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1 or not len(column) or not np.isfinite(column).all():
        raise ValueError(f"{name} must be a row of at least one finite number, got shape {column.shape}")
    return column


def _paired(**columns: ArrayLike) -> list[Floats]:
    arrays = [_column(values, name) for name, values in columns.items()]
    if len({len(array) for array in arrays}) != 1:
        raise ValueError(f"{', '.join(columns)} are not paired: lengths {[len(array) for array in arrays]}")
    return arrays


def _resampled(statistic: Callable[[NDArray[np.int64]], Floats], n: int, seed: int, draws: int) -> Floats:
    """Return a statistic of `draws` resamples; it is given their indices (D, n) and returns (D,)."""
    rng = np.random.default_rng(seed)
    return np.concatenate([statistic(rng.integers(0, n, (size, n))) for size in _blocks(draws, n)])


def _blocks(draws: int, width: int) -> Iterator[int]:
    """Yield how many resamples of `width` numbers to draw at once."""
    step = max(1, _BLOCK // width)
    for start in range(0, draws, step):
        yield min(step, draws - start)


def _area(above: NDArray[np.int64], below: NDArray[np.int64]) -> Floats:
    """Return how many pairs (D,) have the positive above, of counts by ascending level (D, L)."""
    wins: Floats = (above * (below.cumsum(axis=1) - below / 2)).sum(axis=1)
    return wins


def _quotient(top: Floats, bottom: Floats) -> Floats:
    """Divide; NaN where the divisor is not positive."""
    quotient: Floats = np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0)
    return quotient


def _estimate(value: float, resampled: Floats, n: int) -> Estimate:
    low = np.sort(np.nan_to_num(resampled, nan=-np.inf))[math.floor(_TAIL * (len(resampled) - 1))]
    high = np.sort(np.nan_to_num(resampled, nan=np.inf))[math.ceil((1 - _TAIL) * (len(resampled) - 1))]
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"these {n} observations leave the interval open: its divisor can be 0")
    return Estimate(value, float(low), float(high), n)
