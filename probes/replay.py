"""Back in the simulator: the same starts in several scenarios, hits per km, and what differs (Sec. 4.7).

What a start is, the one who plays decides: a seed, or a moment to go on from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np

from probes import statistics
from probes.agent import ProbeError
from probes.statistics import DRAWS, Estimate, Floats

Start = TypeVar("Start")

METRES_PER_KM = 1000.0


@dataclass(frozen=True)
class Outcome:
    """How one episode went."""

    start: int
    """Names what it started from: its seed. Episodes with the same are pairs."""
    ending: str
    metres: float
    seconds: float
    is_hit: bool
    """Whether it ended in a hit of the kind that is counted."""
    is_avoidable: bool
    """Whether that hit could have been avoided."""
    impact: float
    """m/s at the end."""
    time_to_collision: float | None = None
    """s, the least with whoever was in the way; None if nobody was, or where it is not measured."""
    first_brake: float | None = None
    """s after which the brakes were used first; None if they were not, or where it is not measured."""


#: Plays one episode per start in a scenario, and returns the outcomes in their order.
Play = Callable[[str, Sequence[Start]], list[Outcome]]


def replay(
    play: Callable[[str, Sequence[Start]], list[Outcome]], scenarios: Sequence[str], starts: Sequence[Start]
) -> dict[str, list[Outcome]]:
    """Play the same starts in each scenario.

    Raises:
        ProbeError: a scenario or a start is missing, or a scenario is named twice.
    """
    if not starts or not scenarios or len(set(scenarios)) < len(scenarios):
        raise ProbeError(
            f"replay: found {len(starts)} starts in {', '.join(scenarios) or 'no scenario'}; allowed are at"
            " least one start and different scenarios"
        )
    return {scenario: play(scenario, starts) for scenario in scenarios}


@dataclass(frozen=True)
class Summary:
    """What came of the episodes in one scenario."""

    episodes: int
    km: float
    hits_per_km: Estimate | None
    """With Garwood's exact interval; None if nothing was driven."""
    avoidable_per_km: Estimate | None
    """Likewise, of the hits that could have been avoided."""
    mean_speed: Estimate
    """m/s, by a bootstrap over episodes."""
    endings: dict[str, int]
    """Episodes by how they ended, the most frequent first."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)


def summarise(outcomes: Sequence[Outcome]) -> Summary:
    """Sum up the episodes of one scenario."""
    metres, seconds = _column(outcomes, "metres"), _column(outcomes, "seconds")
    km = float(metres.sum()) / METRES_PER_KM
    return Summary(
        len(outcomes),
        km,
        _per_km(sum(o.is_hit for o in outcomes), km),
        _per_km(sum(o.is_avoidable for o in outcomes), km),
        statistics.ratio(metres, seconds),
        dict(Counter(o.ending for o in outcomes).most_common()),
    )


@dataclass(frozen=True)
class Contrast:
    """How other episodes differ from those of the same starts before; estimates are other less before."""

    hits_per_km: Estimate | None
    """By a bootstrap over pairs. Of hits that happen on one side alone, `Summary`'s intervals say more: where
    there is none, no resample has one. None if too little was driven."""
    avoidable_per_km: Estimate | None
    mean_speed: Estimate | None
    """m/s."""
    hit_share: Estimate
    """Of the episodes."""
    both: int
    """Starts with a hit on both sides."""
    only_before: int
    only_other: int

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)


def contrast(before: Sequence[Outcome], other: Sequence[Outcome]) -> Contrast:
    """Compare episodes in pairs.

    Args:
        before: for example in the scenario that an agent learned in.
        other: for example in another one, of the same starts in the same order.

    Raises:
        ProbeError: they are not of the same starts.
    """
    if [o.start for o in before] != [o.start for o in other]:
        raise ProbeError("replay: the episodes to compare do not have the same starts in the same order")
    sides = before, other
    hits, avoidable = ([_column(side, name) for side in sides] for name in ("is_hit", "is_avoidable"))
    metres, seconds = ([_column(side, name) for side in sides] for name in ("metres", "seconds"))
    km = [side / METRES_PER_KM for side in metres]
    return Contrast(
        _ratio_difference(hits, km),
        _ratio_difference(avoidable, km),
        _ratio_difference(metres, seconds),
        statistics.difference(hits[1], hits[0]),
        both=int((hits[0] * hits[1]).sum()),
        only_before=int((hits[0] > hits[1]).sum()),
        only_other=int((hits[1] > hits[0]).sum()),
    )


def worst(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the hits that could have been avoided, the hardest first."""
    return sorted((o for o in outcomes if o.is_avoidable), key=lambda o: -o.impact)


def _column(outcomes: Sequence[Outcome], name: str) -> Floats:
    return np.array([getattr(outcome, name) for outcome in outcomes], np.float64)


def _per_km(count: int, km: float) -> Estimate | None:
    return statistics.rate(count, km) if km > 0 else None


def _ratio_difference(tops: Sequence[Floats], bottoms: Sequence[Floats], seed: int = 0) -> Estimate | None:
    """Estimate the second sum(top) / sum(bottom) less the first, by a bootstrap over pairs (n,)."""
    n = len(tops[0])
    picked = np.random.default_rng(seed).integers(0, n, (DRAWS, n))
    picked = np.concatenate([np.arange(n)[None], picked])  # the first row is the sample itself
    totals = [bottom[picked].sum(1) for bottom in bottoms]
    if min(total.min() for total in totals) <= 0:
        return None
    first, second = (top[picked].sum(1) / total for top, total in zip(tops, totals, strict=True))
    found = second - first
    low, high = np.quantile(found[1:], [0.025, 0.975])
    return Estimate(float(found[0]), float(low), float(high), n)
