"""How unlike each other the states of a batch are, beside real ones, with intervals.

A search whose chains all end in one picture has found one state, however many chains there were.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes.states import StateLayout
from probes.statistics import DRAWS, Estimate
from probes.synthesis.diversity import mean_disagreement, pairwise_disagreement

Floats = NDArray[np.float64]
WANTED = 0.6
"""Share of the real states' disagreement that a batch should show."""


@dataclass(frozen=True)
class Variety:
    """The mean disagreement of a batch's pictures."""

    disagreement: Estimate
    """Mean over pairs of states of `pairwise_disagreement`; `n` is the number of states."""
    real: Estimate
    """That of real states of high J."""
    relative: Estimate | None
    """The batch's by the real states'; None where those all look alike."""

    def to_json(self) -> dict[str, Any]:
        """Return plain data, for a report."""
        relative = None if self.relative is None else self.relative.to_json()
        return {
            "disagreement": self.disagreement.to_json(),
            "real": self.real.to_json(),
            "relative": relative,
            "wanted": WANTED,
        }


def resampled_disagreements(shares: Floats, seed: int = 0) -> Floats:
    """Return the mean disagreement in resamples of the states, those without any pair left out.

    Args:
        shares: (K, K), as `pairwise_disagreement` returns them.
        seed: of the resamples.

    Returns:
        (D,), D at most `DRAWS`. A state drawn twice makes no pair with itself: that would be agreement.
    """
    count = len(shares)
    drawn = (
        np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), DRAWS).astype(np.float64)
    )
    pairs = count**2 - (drawn**2).sum(1)
    has_pairs = pairs > 0
    totals = ((drawn @ shares) * drawn).sum(1)
    means: Floats = totals[has_pairs] / pairs[has_pairs]
    return means


def variety(stored: NDArray[np.uint8], real: NDArray[np.uint8], layout: StateLayout) -> Variety:
    """Compare how a batch of states disagrees with how real states do.

    Args:
        stored: (K, T, M, H, W), at least two.
        real: likewise.
        layout: of both.

    Raises:
        ProbeError: a side has fewer than two states.
    """
    shares = [pairwise_disagreement(side, layout) for side in (stored, real)]
    means = [mean_disagreement(side) for side in shares]
    draws = [resampled_disagreements(side, seed) for seed, side in enumerate(shares)]
    ours, theirs = (_estimate(*side) for side in zip(means, draws, map(len, shares), strict=True))
    return Variety(ours, theirs, _relative(means, draws, len(stored)))


def _relative(means: list[float], draws: list[Floats], n: int) -> Estimate | None:
    """Estimate the first side's disagreement by the second's."""
    if means[1] == 0:
        return None
    number = min(map(len, draws))
    ours, theirs = (side[:number] for side in draws)
    exists = theirs > 0
    return _estimate(means[0] / means[1], ours[exists] / theirs[exists], n)


def _estimate(value: float, draws: Floats, n: int) -> Estimate:
    low, high = np.quantile(draws, [0.025, 0.975]).tolist()
    return Estimate(value, low, high, n)
