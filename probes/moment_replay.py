"""From given moments on: how often somebody is hit, beside other moments, and what that says of a weakness.

Drives from one moment are alike, so what is counted is moments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from probes import statistics
from probes.agent import ProbeError
from probes.replay import Outcome
from probes.statistics import Estimate

ByMoment = Sequence[Sequence[Outcome]]
"""Of each moment the drives from it, by the same seeds in the same order."""

NEAREST, RANDOM = "nearest recorded", "random recorded"
"""Groups of moments beside those of the targets."""
CONFIRMED, REFUTED, OPEN = "confirmed", "refuted", "cannot tell"
FEW = 5
"""Moments below which there is no verdict: the interval of one or two hangs on what they happen to be."""
MARGIN = 0.05
"""Share of the drives: if hits are more frequent by less than this for sure, a weakness is refuted."""


@dataclass(frozen=True)
class Told:
    """What came of the drives from some moments."""

    moments: int
    drives: int
    hit: Estimate
    """Share of the drives that end in a hit; in all intervals a moment counts as one trial."""
    avoidable: Estimate
    """Share that ends in a hit that braking in time would have avoided."""
    braked: Estimate
    """Share in which the brakes were used at all."""
    time_to_collision: float | None
    """s, the median of the least of each drive in which somebody was in the way; None if in none."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)


def tell(drives: ByMoment) -> Told:
    """Sum up the drives from some moments.

    Raises:
        ProbeError: there are none.
    """
    if not drives or not all(drives):
        raise ProbeError(f"replay: found {len(drives)} moments with drives; at least one is needed")
    times = [
        drive.time_to_collision for one in drives for drive in one if drive.time_to_collision is not None
    ]
    return Told(
        len(drives),
        sum(len(one) for one in drives),
        _share(drives, "is_hit"),
        _share(drives, "is_avoidable"),
        statistics.mean_share([np.mean([d.first_brake is not None for d in one]) for one in drives]),
        float(np.median(times)) if times else None,
    )


def more_often(drives: ByMoment, others: ByMoment, tests: int = 1) -> Estimate:
    """Estimate how much more often hits that could be avoided follow these moments than other ones, or
    than the same ones elsewhere; of several such differences, `tests`, with 95% all intervals hold."""
    both = (_share(some, "is_avoidable", tests) for some in (drives, others))
    return statistics.share_gap(*both)


def verdict(gap: Estimate, moments: int) -> str:
    """Say of a difference in hits, from so many moments, whether it shows a weakness.

    Where its interval lies decides, unless there are fewer than `FEW` moments.
    """
    if moments < FEW:
        return OPEN
    if gap.low > 0:
        return CONFIRMED
    return REFUTED if gap.high < MARGIN else OPEN


def _share(drives: ByMoment, name: str, tests: int = 1) -> Estimate:
    """Estimate the share of drives of which something holds."""
    return statistics.mean_share([np.mean([getattr(drive, name) for drive in one]) for one in drives], tests)
