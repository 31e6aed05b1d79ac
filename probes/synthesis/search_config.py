"""Settings of a search."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from probes.agent import ProbeError


@dataclass(frozen=True)
class SearchConfig:
    """Settings of a search. The paper gives none of its own but the start and sigma."""

    chains: int = 64
    """K."""
    draws: int = 1
    """States drawn of each chain at the end; one chain and many draws is the paper's one x, many samples."""
    tries: int = 8
    """Times that a state is drawn until it is one that could be, where the domain can tell; the first is kept
    if none is."""
    steps: int = 500
    alpha: float | Literal["auto"] = "auto"
    """Weight of the KL, standard deviations of J for each nat; `auto` holds the KL at `quantile`."""
    quantile: float = 0.5
    """Of the real states' KL and squared radius; 0.5: a finding is as probable as the median real state. Of
    driving ones 0.1 is about as high in J, and leaves out pieces of a few pixels that no town has."""
    ceiling: float | None = 0.5
    """J above the real states' maximum, in standard deviations, from which on more earns nothing, so that a
    chain goes no further from the ordinary than it must to pass them all. None, or no real states: no end."""
    step_size: float = 0.05
    optimiser: Literal["adam", "sgd"] = "adam"
    start: Literal["prior", "paper"] = "prior"
    """`paper` is x_mu = 0, x_sigma = 1 for every chain."""
    start_sigma: float = 0.1
    """x_sigma of a start from the prior when no real states are given to take it from."""
    samples_per_step: int = 1
    """Draws over which a step's J is averaged."""
    straight_through: bool = True
    """Whether the agent judges the likeliest classes instead of soft ones, the gradient passing as if they
    were soft: an agent that mixes the colours of soft classes may take a mixture for a third class, and J
    of soft states was half of that of the stored ones, so that a ceiling held nothing."""
    round_trips: int = 2
    """Times that a draw goes through the state model before it is kept; see `finding.Finding`."""
    diversity: float = 5.0
    """Standard deviations of J that a chain pays for showing the same picture as all others; nothing once it
    disagrees with them by `diversity_goal`. Needs real states; 0 switches it off."""
    diversity_goal: float = 0.7
    """Share of the disagreement of the real states of highest J."""
    patience: int = 0
    """Stop when the mean J of so many steps is less than 0.01 above that of as many before; 0 never does."""
    precision: Literal["float32", "bf16"] = "float32"
    batch: int = 32
    """Chains that are decoded at once; bounds the memory."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("chains", "draws", "tries", "steps", "samples_per_step", "batch"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        for name in ("diversity", "patience", "seed", "round_trips"):
            _require(getattr(self, name) >= 0, name, getattr(self, name), "at least 0")
        for name in ("step_size", "start_sigma", "diversity_goal"):
            value = getattr(self, name)
            _require(0 < value < math.inf, name, value, "a number above 0")
        _require(
            self.alpha == "auto" or 0 <= float(self.alpha) < math.inf, "alpha", self.alpha, "auto or >= 0"
        )
        _require(0 < self.quantile <= 1, "quantile", self.quantile, "above 0, at most 1")


def _require(is_met: bool, name: str, found: object, allowed: str) -> None:
    if not is_met:
        raise ProbeError(f"search: {name} is {found!r}; allowed is {allowed}")


DEFAULT = SearchConfig()
