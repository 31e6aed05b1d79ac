"""What held-out real states show, measured once for all targets of an agent and a state model.

Encoding and decoding them takes longest and does not depend on the target; what does follows from the agent's
outputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from probes.agent import Agent, AgentOutput, NamedAgent, ProbeError
from probes.artifacts import artifact
from probes.data.state_set import StateSet
from probes.state_models.state_model import StateModel
from probes.states import to_states
from probes.synthesis.diversity import mean_disagreement, pairwise_disagreement
from probes.synthesis.manifold import VARIETY_STATES, RealReference, Recorded, extremes
from probes.synthesis.round_trip import (
    DEFAULT_PACE,
    Floats,
    Measured,
    Pace,
    Probed,
    check_layouts,
    freeze_both,
    measure,
    output_scale,
    stored_batches,
)
from probes.synthesis.targets import Target, looks_at_states

KIND = "reference"
JUDGED_AT_ONCE = 256

VALUE = Target("V+", "V+", "", 1.0, 1.0, lambda output, _: output.value)
"""Stands in where a target is asked for and its J is not used."""


@dataclass(frozen=True)
class Reference:
    """What is known of the real states whatever the target."""

    scores: NDArray[np.float32]
    """(N, A) what the agent says of the whole data set."""
    value: NDArray[np.float32]
    """(N,) likewise."""
    indices: NDArray[np.int64]
    """(R,) the held-out states that were measured."""
    kl: Floats
    """(R,) as in `round_trip.Measured`, likewise the next three."""
    radius: Floats
    agreement: Floats
    output_change: Floats
    sigma: NDArray[np.float32]
    """(n,) root mean square of the posteriors' sigma."""

    def recorded(self) -> AgentOutput:
        """Return what the agent says of the whole data set, as `targets.resolve` takes it."""
        return AgentOutput(torch.from_numpy(self.scores), torch.from_numpy(self.value))


def judge_all(agent: Agent, states: Recorded, count: int) -> AgentOutput:
    """Let an agent judge the first `count` recorded states, of which another agent's outputs are recorded."""
    parts = [
        agent.judge(states.stored(np.arange(start, min(start + JUDGED_AT_ONCE, count))))
        for start in range(0, count, JUDGED_AT_ONCE)
    ]
    return AgentOutput(*(torch.cat(column).float().cpu() for column in zip(*parts, strict=True)))


def outputs_of(agent: NamedAgent, states: StateSet) -> AgentOutput:
    """Return what an agent says of a data set: what was recorded if it played, else what it says now."""
    if states.config["agent"]["digest"] == agent.digest:
        return AgentOutput(torch.from_numpy(states.scores), torch.from_numpy(states.value))
    return judge_all(agent, states, len(states))


def measure_reference(
    model: StateModel,
    agent: Agent,
    states: Recorded,
    outputs: AgentOutput,
    indices: NDArray[np.int64],
    pace: Pace = DEFAULT_PACE,
) -> Reference:
    """Encode and decode held-out states.

    Args:
        model: that will be searched; it and the agent are frozen.
        agent: whose outputs are compared before and after.
        states: the data set.
        outputs: what the agent says of all of it, on the CPU.
        indices: of the held-out states, at least two.

    Raises:
        ProbeError: the layouts do not fit, there are too few states, or a measure is not finite.
    """
    check_layouts(model, agent)
    if len(indices) < 2:
        raise ProbeError(f"a reference needs at least 2 held-out states, got {len(indices)}")
    freeze_both(model, agent)
    scores, value = outputs.scores.numpy(), outputs.value.numpy()
    probed = Probed(model, agent, VALUE, output_scale(scores, value))
    found, sigma = measure(probed, stored_batches(states.stored, indices, pace))
    return Reference(
        scores, value, indices, found.kl, found.radius, found.agreement, found.output_change, sigma
    )


def real_objectives(
    reference: Reference, target: Target, agent: Agent, states: Recorded, pace: Pace = DEFAULT_PACE
) -> Floats:
    """Return J (R,) of the measured real states, looking at them only if the target does."""
    chosen = reference.indices
    if not looks_at_states(target.name, agent):
        output = AgentOutput(*(column[chosen] for column in reference.recorded()))
        return target(output, torch.empty(0)).double().numpy()
    with torch.no_grad():
        parts = [target(agent(batch), batch) for batch in batches(states, chosen, pace)]
    return torch.cat(parts).double().cpu().numpy()


def batches(states: Recorded, indices: NDArray[np.int64], pace: Pace = DEFAULT_PACE) -> Iterator[Tensor]:
    """Yield states (B, T, C, H, W) as floats, on the device and `pace.batch` at a time."""
    for stored in stored_batches(states.stored, indices, pace):
        yield to_states(stored, states.layout)


def for_target(
    reference: Reference, target: Target, agent: Agent, states: Recorded, pace: Pace = DEFAULT_PACE
) -> RealReference:
    """Return what a search with a target is held against.

    Args:
        reference: by the same agent and state model.
        target: resolved for the agent.
        agent: on `pace.device`.
        states: the data set that was measured.
    """
    objective = real_objectives(reference, target, agent, states, pace)
    highest = extremes(objective)[:VARIETY_STATES]
    stored = states.stored(reference.indices[highest])
    measured = Measured(
        reference.kl, reference.radius, objective, reference.agreement, reference.output_change
    )
    scale = output_scale(reference.scores, reference.value)
    variety = mean_disagreement(pairwise_disagreement(stored, states.layout))
    return RealReference(measured, reference.sigma, scale, variety, stored)


def manifest_config(agent: NamedAgent, indices: NDArray[np.int64]) -> dict[str, Any]:
    """Return what decides a reference besides the states and the model."""
    return {"agent": {"name": agent.name, "digest": agent.digest}, "real_states": len(indices)}


def write_reference(
    path: Path, reference: Reference, config: dict[str, Any], parents: dict[str, Path]
) -> None:
    """Write the artifact; `parents` are `states` and `model`."""
    with artifact.writing(path, KIND, config=config, seed=0, parents=parents) as scratch:
        for field in fields(Reference):
            np.save(scratch / f"{field.name}.npy", getattr(reference, field.name))


def load_reference(path: Path, verify: bool = True) -> Reference:
    """Read the artifact.

    Raises:
        ProbeError: there is none, or it is damaged.
    """
    manifest = artifact.load(path, KIND, verify)
    try:
        return Reference(**{field.name: np.load(path / f"{field.name}.npy") for field in fields(Reference)})
    except (OSError, ValueError) as error:
        raise ProbeError(
            f"{path}: not a reference that this program can read ({error!r}); "
            f"delete it and run `{manifest.command}` again"
        ) from error
