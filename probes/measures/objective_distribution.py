"""Do synthesised states reach objectives that no held-out real state reaches (Sec. 4.8, Fig. 8)?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from probes import statistics
from probes.agent import ProbeError
from probes.statistics import Estimate

Floats = NDArray[np.float64]

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
BINS = 40


@dataclass(frozen=True)
class Comparison:
    """Synthesised J against the real J."""

    quantiles: dict[float, float]
    """Of the synthesised J, by `QUANTILES`."""
    beyond_percentile: Estimate
    """Share of synthesised states above the real 99th percentile."""
    beyond_maximum: Estimate
    """Share above every real state."""
    auroc: Estimate
    """Probability that a synthesised J exceeds a real one, ties counting half."""


@dataclass(frozen=True)
class Histogram:
    """What Fig. 8 draws: shares of each group, by bins of J that all groups have in common."""

    edges: Floats
    """(bins + 1,)"""
    real: Floats
    """(bins,), sums to 1."""
    synthesised: Floats
    """(bins,), sums to 1."""
    on_manifold: Floats
    """(bins,), of the states that pass, as a share of all synthesised ones: sums to the share that passes."""


@dataclass(frozen=True)
class ObjectiveDistribution:
    """Held-out real J against synthesised J."""

    real_count: int
    real_quantiles: dict[float, float]
    """Of the real J, by `QUANTILES`."""
    passing: Estimate
    """Share of the synthesised states that pass the manifold checks."""
    everything: Comparison
    """Of all synthesised states."""
    on_manifold: Comparison | None
    """Of those alone that pass; None where none does."""
    histogram: Histogram


def compare_objectives(
    real: ArrayLike, synthesised: ArrayLike, on_manifold: ArrayLike | None = None, bins: int = BINS
) -> ObjectiveDistribution:
    """Compare the objectives of held-out real states with those of synthesised states.

    Args:
        real: J (N,) of held-out states.
        synthesised: J (S,), of the same target and scale.
        on_manifold: bool (S,), which synthesised states pass the manifold checks; by default all.
        bins: of the histogram.

    Raises:
        ProbeError: a side is empty or not finite, or the mask does not fit.
    """
    ours, theirs = _column(synthesised, "synthesised"), _column(real, "held-out real")
    mask = np.ones(len(ours), np.bool_) if on_manifold is None else np.asarray(on_manifold)
    if mask.shape != ours.shape or mask.dtype != np.bool_:
        raise ProbeError(
            f"objective distribution: the mask of findings that pass is {mask.dtype} of shape {mask.shape}, "
            f"allowed is bool of shape {ours.shape}, one for each synthesised state"
        )
    return ObjectiveDistribution(
        len(theirs),
        _quantiles(theirs),
        statistics.share(int(mask.sum()), len(mask)),
        compare(theirs, ours),
        compare(theirs, ours[mask]) if mask.any() else None,
        histogram(theirs, ours, mask, bins),
    )


def compare(real: Floats, synthesised: Floats) -> Comparison:
    """Compare synthesised J (S,) with real J (N,). Beyond means greater, not equal."""
    percentile, n = np.quantile(real, 0.99), len(synthesised)
    return Comparison(
        _quantiles(synthesised),
        statistics.share(int((synthesised > percentile).sum()), n),
        statistics.share(int((synthesised > real.max()).sum()), n),
        statistics.auroc(synthesised, real),
    )


def histogram(real: Floats, synthesised: Floats, on_manifold: NDArray[np.bool_], bins: int) -> Histogram:
    """Count J in equal bins from the least to the greatest of both sides."""
    edges = np.histogram_bin_edges(np.concatenate([real, synthesised]), bins)
    counts = [np.histogram(values, edges)[0] for values in (real, synthesised, synthesised[on_manifold])]
    return Histogram(edges, counts[0] / len(real), counts[1] / len(synthesised), counts[2] / len(synthesised))


def _quantiles(values: Floats) -> dict[float, float]:
    return dict(zip(QUANTILES, np.quantile(values, QUANTILES).tolist(), strict=True))


def _column(values: ArrayLike, name: str) -> Floats:
    column = np.asarray(values, np.float64)
    if column.ndim != 1 or not len(column) or not np.isfinite(column).all():
        raise ProbeError(
            f"objective distribution: {name} objectives have shape {column.shape} with "
            f"{int((~np.isfinite(column)).sum())} not finite; allowed is a row of at least one finite number"
        )
    return column
