"""How often an agent brakes while nothing asks for it, in real roll-outs (experiment 1 of Sec. 4.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivesim.scenario.schema import Scenario
from probes import statistics
from probes.agent import Agent, action_index
from probes.data.collect import check_fit
from probes.data.episodes import Playthrough, Progress
from probes.domains.driving import DrivingSimulation
from probes.domains.ego import speeds
from probes.domains.presence import is_empty_road, is_without_light, is_without_stop_light
from probes.states import StateLayout
from probes.statistics import Estimate

MOVING = 1.0
"""m/s above which the ego counts as moving."""

CONDITIONS = ("moving", "no stop light", "empty road", "empty road, no light")
"""Which decisions are counted, each condition on top of the one before.

`no stop light`: no frame shows red or yellow. `empty road`: none shows a car or a person. `no light`: none
shows green either.
"""


def without_traffic(scenario: Scenario) -> Scenario:
    """Return a scenario without other cars and without people, the ego and its camera as they were."""
    plain = scenario.model_dump()
    for section in ("cars", "pedestrians"):
        plain[section] = {**plain[section], "count": 0}
    return Scenario.model_validate({**plain, "name": f"{scenario.name}_without_traffic"})


@dataclass(frozen=True)
class Braking:
    """How often the agent braked in E episodes, among the decisions of one condition."""

    decisions: NDArray[np.int64]
    """(E,)"""
    brakes: NDArray[np.int64]
    """(E,), of them those whose best action was to brake."""
    probability: NDArray[np.float64]
    """(E,), sums of the policy's probability of braking."""

    @property
    def share(self) -> Estimate | None:
        """Share of decisions to brake, by a bootstrap over the episodes that have any; None if none has."""
        return self._per_decision(self.brakes)

    @property
    def episodes(self) -> Estimate | None:
        """Share of the episodes with such decisions in which at least one was to brake, by Wilson.

        Where nothing was ever braked for, its upper end tells how little that may mean: the bootstrap of the
        decisions, which hang together, cannot.
        """
        n = int((self.decisions > 0).sum())
        return statistics.share(int((self.brakes > 0).sum()), n) if n else None

    @property
    def mean_probability(self) -> Estimate | None:
        """Mean probability of braking, likewise."""
        return self._per_decision(self.probability)

    def _per_decision(self, sums: NDArray[Any]) -> Estimate | None:
        has_any = self.decisions > 0
        return statistics.ratio(sums[has_any], self.decisions[has_any]) if has_any.any() else None

    def to_json(self) -> dict[str, Any]:
        """Return the estimates and what they rest on, as JSON holds it."""
        return {
            "decisions": int(self.decisions.sum()),
            "brakes": int(self.brakes.sum()),
            "share": self.share and asdict(self.share),
            "episodes": self.episodes and asdict(self.episodes),
            "mean_probability": self.mean_probability and asdict(self.mean_probability),
        }


def measure_braking(
    agent: Agent,
    scenario: str | Scenario,
    seeds: Sequence[int],
    worlds: int = 32,
    progress: Progress | None = None,
) -> dict[str, Braking]:
    """Let an agent drive greedily and count how often it brakes, by condition.

    Args:
        agent: an actor-critic with an action `brake`.
        scenario: where.
        seeds: of the episodes.
        worlds: at most so many at once; it changes nothing but rounding.
        progress: told of each decision.

    Raises:
        ProbeError: the scenario is not valid or does not fit the agent, or there is no action `brake`.
    """
    brake = action_index(agent.actions, "brake")
    simulation = DrivingSimulation(scenario, min(worlds, len(seeds)))
    sums = np.zeros((len(CONDITIONS), 3, len(seeds)))
    try:
        check_fit(agent, simulation)
        run = Playthrough(simulation, seeds)
        while len(run.worlds):
            policy = agent.judge(run.states).log_policy.exp().double().cpu().numpy()  # (K, A)
            actions = policy.argmax(1)
            told = np.stack([np.ones(len(actions)), actions == brake, policy[:, brake]])
            holds = conditions(run.states, agent.layout, speeds(simulation)[run.worlds])
            sums[:, :, run.playing] += holds[:, None] * told
            run.step(actions)
            if progress is not None:
                progress(run.decisions, run.finished)
    finally:
        simulation.close()
    return {
        name: Braking(counts[0].astype(np.int64), counts[1].astype(np.int64), counts[2])
        for name, counts in zip(CONDITIONS, sums, strict=True)
    }


def conditions(
    stored: NDArray[np.uint8], layout: StateLayout, speed: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Tell which of the conditions hold, (len(CONDITIONS), B).

    Args:
        stored: (B, T, M, H, W), stored states.
        layout: of the states.
        speed: (B,), m/s.
    """
    may_go = (speed > MOVING) & is_without_stop_light(stored, layout)
    is_empty = may_go & is_empty_road(stored, layout)
    return np.stack([speed > MOVING, may_go, is_empty, is_empty & is_without_light(stored, layout)])
