"""Is a synthesised state one that could be? The checks of findings against held-out real states.

A weak regulariser lets the search leave the states that the state model was fitted on: there its objective is
worth nothing. Findings are therefore measured as real states are (`round_trip.measure`), and those that lie
outside the real states' own range are told apart and counted by reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from probes.agent import Agent
from probes.state_models.state_model import StateModel
from probes.states import StateLayout
from probes.synthesis.round_trip import DEFAULT_PACE, Floats, Measured, Pace, Probed, measure, stored_batches
from probes.synthesis.targets import Target

EXTREME = 0.05
"""Share of the real states, those of the highest J, that findings are held against."""
VARIETY_STATES = 256
"""At most so many of them: pairs grow with the square."""


class Recorded(Protocol):
    """What is read of a set of recorded states."""

    @property
    def layout(self) -> StateLayout:
        """Of its states."""
        ...

    @property
    def scores(self) -> NDArray[np.float32]:
        """(N, A), the agent's."""
        ...

    @property
    def value(self) -> NDArray[np.float32]:
        """(N,), the agent's."""
        ...

    def stored(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return states (B, T, M, H, W)."""
        ...


@dataclass(frozen=True)
class RealReference:
    """What held-out real states show, for findings to be held against."""

    measured: Measured
    sigma: NDArray[np.float32]
    """(n,) root mean square of the posteriors' sigma: where a chain starts."""
    output_scale: NDArray[np.float32]
    """(A + 1,) standard deviations of the scores and the value over the whole data set."""
    disagreement: float
    """Mean pairwise disagreement of the pictures of the real states that are extreme in J."""
    stored_extreme: NDArray[np.uint8]
    """(E, T, M, H, W) those states, the highest J first."""


@dataclass(frozen=True)
class Limits:
    """How far a finding may go, as quantiles of the real states' own measures."""

    kl: float = 0.99
    """Upper, of the KL, both of the chain and of the encoded picture. There is no lower limit: a state that
    takes fewer nats to tell is the more probable one."""
    radius: float = 0.99
    """Upper, of the chain's squared radius."""
    agreement: float = 0.05
    """Lower."""
    output_change: float = 0.95
    """Upper; of all real states, or of those of the highest J if that is more: the agent's judgement of
    extreme states is the more sensitive one, and findings are extreme."""

    def numbers(self, real: Measured) -> dict[str, float]:
        """Return for each reason of failure where its limit lies among real states."""
        change = max(
            np.quantile(one, self.output_change)
            for one in (real.output_change, real.output_change[extremes(real.objective)])
        )
        return {
            "chain_kl": float(np.quantile(real.kl, self.kl)),
            "chain_radius": float(np.quantile(real.radius, self.radius)),
            "picture_kl": float(np.quantile(real.kl, self.kl)),
            "agreement": float(np.quantile(real.agreement, self.agreement)),
            "output_change": float(change),
        }


def extremes(objective: Floats) -> NDArray[np.int64]:
    """Return the indices of the states of the highest J (N,), at least two, the highest first."""
    count = max(2, math.ceil(EXTREME * len(objective)))
    return np.argsort(-objective, kind="stable")[:count]


#: Tells of stored states (B, T, M, H, W) which could be, by what a domain knows of its worlds: (B,).
CouldBe = Callable[[NDArray[np.uint8]], NDArray[np.bool_]]


@dataclass(frozen=True)
class Possible:
    """What a domain knows of which states could be."""

    tell: CouldBe
    real: NDArray[np.bool_]
    """(R,) what it says of the real states."""


class Found(NamedTuple):
    """What K chains ended with."""

    stored: NDArray[np.uint8]
    """(K, T, M, H, W) their states."""
    kl: Floats
    """(K,) KL of each chain's distribution to the prior, nats."""
    radius: Floats
    """(K,) `squared_radius` of each chain, by the real states' weights."""


@dataclass(frozen=True)
class Verdicts:
    """Which of K findings hold, and why the others do not."""

    measured: Measured
    """Of the findings' stored states."""
    kl: Floats
    """(K,) of the chains, nats."""
    radius: Floats
    """(K,) of the chains."""
    failed: dict[str, NDArray[np.bool_]]
    """By reason, (K,): `chain_kl`, `chain_radius`, `picture_kl`, `agreement`, `output_change`, and, where a
    domain can tell, `unreal`."""
    percentile: Floats
    """(K,) share in percent of the real states whose J is lower."""
    beyond_99: NDArray[np.bool_]
    """(K,) whether J is above the real states' 99th percentile."""
    beyond_maximum: NDArray[np.bool_]
    """(K,) whether J is above every real state's."""
    real_pass_share: float
    """Share of the real states themselves that pass the checks which apply to them, all but the first two."""

    @property
    def passes(self) -> NDArray[np.bool_]:
        """(K,) whether no check failed."""
        failed: NDArray[np.bool_] = np.any(list(self.failed.values()), axis=0)
        return ~failed

    def counts(self) -> dict[str, int]:
        """Count the findings by reason of failure (one may have several), and those that pass."""
        failures = {reason: int(failed.sum()) for reason, failed in self.failed.items()}
        return {"passed": int(self.passes.sum()), **failures}


def _round_trip_fails(measured: Measured, numbers: dict[str, float]) -> dict[str, NDArray[np.bool_]]:
    """Return which of the states fail the checks that apply to a picture, whoever made it."""
    return {
        "picture_kl": measured.kl > numbers["picture_kl"],
        "agreement": measured.agreement < numbers["agreement"],
        "output_change": measured.output_change > numbers["output_change"],
    }


def check(
    model: StateModel,
    agent: Agent,
    target: Target,
    real: RealReference,
    found: Found,
    limits: Limits = Limits(),
    pace: Pace = DEFAULT_PACE,
    possible: Possible | None = None,
) -> Verdicts:
    """Hold findings against real states.

    Args:
        model, agent, target: those of the search.
        real: the held-out states' measures, by the same three.
        found: what the search ended with.
        limits: how far a finding may go.
        pace: of the measuring.
        possible: what the domain knows of which states could be; nothing unless given.

    Raises:
        ProbeError: a measure is not finite.
    """
    batches = stored_batches(lambda chosen: found.stored[chosen], np.arange(len(found.stored)), pace)
    measured, _ = measure(Probed(model, agent, target, real.output_scale), batches, real.sigma)
    numbers = limits.numbers(real.measured)
    failed = {
        "chain_kl": found.kl > numbers["chain_kl"],
        "chain_radius": found.radius > numbers["chain_radius"],
        **_round_trip_fails(measured, numbers),
    }
    among_real = _round_trip_fails(real.measured, numbers)
    if possible is not None:
        failed["unreal"], among_real["unreal"] = ~possible.tell(found.stored), ~possible.real
    ranked = np.sort(real.measured.objective)
    j = measured.objective
    return Verdicts(
        measured,
        found.kl,
        found.radius,
        failed,
        100.0 * np.searchsorted(ranked, j, side="left") / len(ranked),
        j > np.quantile(ranked, 0.99),
        j > ranked[-1],
        float(np.mean(~np.any(list(among_real.values()), axis=0))),
    )
