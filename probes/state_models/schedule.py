"""How long a fit is and in what steps: the presets, the learning rate, and which states come when."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from probes.agent import ProbeError
from probes.state_models.model_store import ModelName


@dataclass(frozen=True)
class Schedule:
    """How long, and in what steps."""

    iterations: int
    batch: int = 16
    learning_rate: float = 1e-3
    warm_up: int = 0
    """Iterations over which the learning rate rises from 0."""
    fall_from: float = 1.0
    """Share of the iterations after which the learning rate falls, by a cosine, to 2% of itself."""
    gradient_limit: float | None = None
    """Largest norm of a step's gradient; longer ones are shortened to it. None sets no limit."""
    average: float = 0.0
    """Decay of the running average of the weights, an iteration; 0 returns the last ones."""
    weight_decay: float = 0.0
    """Decoupled (Loshchilov and Hutter 2019), an iteration and unit of the learning rate."""

    def __post_init__(self) -> None:
        if self.iterations < 1 or self.batch < 2:
            raise ProbeError(f"schedule: found {self}, allowed are 1 iteration and 2 states or more")
        is_rate = self.learning_rate > 0 and self.weight_decay >= 0
        if not (is_rate and 0 <= self.fall_from <= 1 and 0 <= self.average < 1):
            raise ProbeError(
                f"schedule: found {self}, allowed are a learning rate above 0, fall_from from 0 to 1, "
                "an average from 0 to below 1, and a weight decay of 0 and more"
            )


SCHEDULES: dict[ModelName, dict[str, Schedule]] = {
    "paper": {
        "smoke": Schedule(iterations=300),
        "quick": Schedule(iterations=2_000),
        "paper": Schedule(iterations=1_250_000),
    },
    "crisp": {
        "smoke": Schedule(300, 16, 1.5e-3, 50, 0.5, 2e4, 0.98),
        "quick": Schedule(2_500, 16, 1.5e-3, 100, 0.5, 2e4, 0.995),
        "paper": Schedule(300_000, 16, 1e-3, 500, 0.5, 2e4, 0.9995),
    },
}
"""By model and preset. The paper's own schedule is 2,000 passes over 10,000 states; `quick` leaves time for a
study from scratch within 90 minutes on two cores. The shipped models went on from one fit to the next."""

PRIOR_SCHEDULES = {
    "smoke": Schedule(100, 32, 2e-3, 20, 0.5, average=0.95, weight_decay=1e-2),
    "quick": Schedule(1_500, 64, 2e-3, 50, 0.5, average=0.99, weight_decay=1e-2),
    "paper": Schedule(10_000, 64, 2e-3, 50, 0.5, average=0.998, weight_decay=1e-2),
}
"""By preset, of the prior of a crisp model whose latents are fitted."""


def batch_indices(indices: NDArray[np.int64], batch: int, iteration: int, seed: int) -> NDArray[np.int64]:
    """Return the states of one iteration (B,), sorted: passes over all of them, each in its own order.

    Of a pass those at the end of its order that do not fill a batch are left out.
    """
    batch = min(batch, len(indices))
    passes, place = divmod(iteration, len(indices) // batch)
    order = np.random.default_rng((seed, passes)).permutation(len(indices))
    return np.sort(indices[order[place * batch : (place + 1) * batch]])


def learning_rate(schedule: Schedule, iteration: int) -> float:
    """Return the rate of one iteration: it rises over `warm_up`, holds, and falls by a cosine."""
    share = iteration / schedule.iterations
    rate = schedule.learning_rate * min(1.0, (iteration + 1) / max(1, schedule.warm_up))
    if share < schedule.fall_from:
        return rate
    fallen = 0.5 + 0.5 * math.cos(math.pi * (share - schedule.fall_from) / (1 - schedule.fall_from))
    return rate * max(0.02, fallen)
