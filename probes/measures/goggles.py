"""The goggles score: the agent plays while it sees g(mu(s)) instead of s (Table 1).

What a state model loses of a state, the agent cannot act on. So the share of its return that is left tells
whether the model keeps what the agent decides by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from probes import statistics
from probes.agent import Agent, ProbeError, action_index
from probes.data.episodes import Player
from probes.state_models.state_model import StateModel, reconstruct
from probes.states import to_states, to_stored
from probes.statistics import Estimate, Floats
from probes.synthesis.round_trip import check_layouts, freeze_both

KEPT_BAR, KEPT_LOW_BAR = 0.95, 0.90
"""What a good state model keeps of the agent's advantage, and the least lower bound of the interval."""


@dataclass(frozen=True)
class GogglesConfig:
    """How the agent sees through a state model."""

    precision: Literal["float32", "bfloat16"] = "bfloat16"
    """Of the state model; the agent always computes in float32."""
    is_hard: bool = False
    """Whether the agent sees the likeliest classes and rounded levels instead of soft classes."""
    batch: int = 32
    """States at a time, at most; bounds the memory. A look at 5 takes hardly longer than one at 2."""
    device: str = "cpu"
    """Where the model and the agent are."""


def greedy(agent: Agent) -> Player:
    """Let an agent take its best action, seeing what is there."""

    def choose(stored: NDArray[np.uint8]) -> NDArray[np.int64]:
        return _best(agent.judge(stored).scores)

    return choose


def constant(actions: Sequence[str], name: str) -> Player:
    """Always take one action, such as `brake`: what a score must be compared with.

    Raises:
        ProbeError: there is no such action.
    """
    index = action_index(actions, name)

    def choose(stored: NDArray[np.uint8]) -> NDArray[np.int64]:
        return np.full(len(stored), index, np.int64)

    return choose


def through(agent: Agent, model: StateModel, config: GogglesConfig | None = None) -> Player:
    """Let an agent take its best action, seeing g(mu(s)).

    Both are frozen and put in eval mode.

    Raises:
        ProbeError: the state model makes other states than the agent sees; later, a score is not finite.
    """
    check_layouts(model, agent)
    freeze_both(model, agent)
    settings = config or GogglesConfig()

    def choose(stored: NDArray[np.uint8]) -> NDArray[np.int64]:
        parts = np.array_split(stored, -(-len(stored) // settings.batch))
        return np.concatenate([_best(_see(agent, model, part, settings)) for part in parts])

    return choose


@torch.no_grad()
def _see(agent: Agent, model: StateModel, stored: NDArray[np.uint8], config: GogglesConfig) -> Tensor:
    """Return the agent's scores (B, A) of what the model makes of stored states."""
    layout = model.layout
    states = to_states(torch.from_numpy(stored).to(config.device), layout)
    with torch.autocast(states.device.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
        seen = reconstruct(model, states)
    seen = seen.float()
    if config.is_hard:
        seen = to_states(to_stored(seen, layout), layout)
    return agent(seen).scores


def _best(scores: Tensor) -> NDArray[np.int64]:
    if not torch.isfinite(scores).all():
        raise ProbeError("goggles: a score of the agent is not finite: it or the state model is broken")
    best: NDArray[np.int64] = scores.argmax(1).cpu().numpy()
    return best


class Row(NamedTuple):
    """How the agent does through one state model; all estimates are over the same seeds."""

    returns: Estimate
    """Mean return."""
    difference: Estimate
    """Mean of the return less the agent's own."""
    kept: Estimate | None
    """Share of the agent's advantage over the floor that is kept; None where no interval exists."""
    unknown: str | None
    """Why there is none."""

    @property
    def is_good(self) -> bool:
        """Whether enough is kept: at least 95%, and for sure 90%."""
        return self.kept is not None and self.kept.value >= KEPT_BAR and self.kept.low >= KEPT_LOW_BAR


class Table(NamedTuple):
    """Table 1."""

    agent: Estimate
    """Mean return of the agent itself."""
    floor: Estimate
    """Mean return of doing nothing."""
    rows: dict[str, Row]
    """By state model."""
    order: list[str]
    """The state models by mean return, the worst first."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        rows = {
            name: {
                **{key: part and asdict(part) for key, part in zip(_ESTIMATES, row[:3], strict=True)},
                "unknown": row.unknown,
                "is_good": row.is_good,
            }
            for name, row in self.rows.items()
        }
        return {"agent": asdict(self.agent), "floor": asdict(self.floor), "rows": rows, "order": self.order}


_ESTIMATES = ("returns", "difference", "kept")


def compare(rows: Mapping[str, Floats], agent: Floats, floor: Floats) -> Table:
    """Set returns through state models beside those of the agent and of doing nothing.

    Args:
        rows: (E,) returns by state model.
        agent: (E,), the agent's own, of the same seeds in the same order.
        floor: (E,), likewise, of doing nothing.

    Raises:
        ValueError: they are not as many, or not finite.
    """
    made = {name: _row(returns, agent, floor) for name, returns in rows.items()}
    order = sorted(made, key=lambda name: made[name].returns.value)
    return Table(statistics.mean(agent), statistics.mean(floor), made, order)


def _row(returns: Floats, agent: Floats, floor: Floats) -> Row:
    estimates = statistics.mean(returns), statistics.difference(returns, agent)
    try:
        return Row(*estimates, statistics.kept_share(returns, agent, floor), None)
    except ValueError as error:
        return Row(*estimates, None, str(error))
