"""A state set of `linear_models`, on disk, and a subject made of it: what the search's stage works on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from probes.artifacts import artifact
from probes.data.state_set import KIND, PROVENANCE, StateSet, StateWriter, load_states
from probes.synthesis.reference import measure_reference
from probes.synthesis.synthesise import Subject
from tests.probes.linear_models import ACTIONS, LAYOUT, LinearAgent, LinearModel, Pictures

MODEL = LinearModel()
HELD_OUT = 100


class NamedLinearAgent(LinearAgent):
    """A linear agent that artifacts can name."""

    def __init__(self, has_critic: bool = True, seed: int = 1) -> None:
        super().__init__(has_critic, seed)
        self.name, self.digest = f"linear-{seed}", f"{seed}"


AGENT = NamedLinearAgent()


def toy_states(path: Path, agent: NamedLinearAgent = AGENT, count: int = 300) -> StateSet:
    """Write states drawn from the model's prior; the last `HELD_OUT` are held out, five to an episode."""
    pictures = Pictures(MODEL, agent, count)
    provenance = np.zeros(count, PROVENANCE)
    provenance["episode"] = np.arange(count) // 5
    provenance["held_out"] = np.arange(count) >= count - HELD_OUT
    config = {
        "agent": {"name": agent.name, "digest": agent.digest},
        "layout": LAYOUT.to_json(),
        "actions": list(ACTIONS),
    }
    with artifact.writing(path, KIND, config=config, seed=0, parents={}) as scratch:
        writer = StateWriter(scratch, LAYOUT)
        stored = pictures.stored(np.arange(count))
        writer.add(stored, provenance, pictures.scores, pictures.value, {})
        writer.finish(np.zeros((1, 1), np.int16))
    return load_states(path)


def toy_subject(path: Path) -> Subject:
    """Write toy states at `path` and measure the held-out ones."""
    states = toy_states(path)
    pictures = Pictures(MODEL, AGENT, len(states))
    reference = measure_reference(MODEL, AGENT, states, pictures.recorded(), states.held_out_indices)
    return Subject(MODEL, AGENT, states, reference)
