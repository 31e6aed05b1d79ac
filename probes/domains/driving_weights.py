"""Where the agent looks: the weights of the paper model's loss in a few recorded states (Fig. 2)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from probes.artifacts import artifact
from probes.data.saliency import check_relus, guided_gradient, normalised, plane_saliency
from probes.data.saliency_set import manifest_config
from probes.data.state_set import load_states
from probes.domains.driving import DrivingAgent
from probes.domains.driving_contents import IN_THE_WAY
from probes.domains.presence import presence
from probes.domains.study_sections import RESULT, Shelf
from probes.domains.viewpoint import Viewpoint
from probes.report.contract import Section, Weights
from probes.states import StateLayout

KIND = "weights"
SIGHTS = ("light red", "car ahead", "person on the road")
"""One state is shown with each, and one with nothing in the way."""
NOTHING = "nothing in the way"
LOOKED_THROUGH = 200
"""Held-out states, evenly spaced, that those to be shown are chosen from."""


def make_weights(directory: Path, agent: DrivingAgent, viewpoint: Viewpoint) -> None:
    """Write the artifact of a study's weights, unless it is there and up to date.

    Args:
        directory: of the study.
        agent: that is studied.
        viewpoint: of its camera.

    Raises:
        ProbeError: a ReLU of the agent cannot be guided, or something cannot be read or written.
    """
    place, parents = directory / KIND, {"states": directory / "states"}
    config = {**manifest_config(agent), "chosen": [*SIGHTS, NOTHING], "of": LOOKED_THROUGH}
    if artifact.is_current(place, KIND, config=config, seed=0, parents=parents):
        return
    states = load_states(parents["states"], verify=False)
    some = np.linspace(0, len(states.held_out_indices) - 1, LOOKED_THROUGH).round().astype(np.int64)
    indices = states.held_out_indices[np.unique(some)]
    chosen = choose(states.stored(indices), states.layout, viewpoint)
    shown = indices[list(chosen.values())]
    with artifact.writing(place, KIND, config=config, seed=0, parents=parents) as scratch:
        np.save(scratch / "states.npy", states.stored(shown))
        np.save(scratch / "weights.npy", pixel_weights(agent, states.states(shown)))
        result = {"layout": states.layout.to_json(), "labels": list(chosen), "indices": shown.tolist()}
        artifact.write_json(scratch / RESULT, result)


def choose(stored: NDArray[np.uint8], layout: StateLayout, viewpoint: Viewpoint) -> dict[str, int]:
    """Choose one of some states (B, T, M, H, W) for each sight, by what it shows; none of them twice.

    Returns:
        Indices by label; the first state where none shows any of it.
    """
    present = presence(stored, layout, viewpoint)
    shows = {name: present[name] for name in SIGHTS}
    shows[NOTHING] = ~np.any([present[name] for name in IN_THE_WAY], axis=0)
    chosen: dict[str, int] = {}
    for label, which in shows.items():
        free = [int(index) for index in np.flatnonzero(which) if int(index) not in chosen.values()]
        if free:
            chosen[label] = free[0]
    return chosen or {"the first of them": 0}


def pixel_weights(agent: DrivingAgent, states: Tensor) -> NDArray[np.float32]:
    """Return the weights (B, T, H, W) of the pixels of states (B, T, C, H, W), summed over the planes."""
    check_relus(agent)
    saliency = plane_saliency(guided_gradient(agent, states), agent.layout)
    weights: NDArray[np.float32] = normalised(saliency, agent.layout).sum(dim=2).numpy()
    return weights


def weights_section(shelf: Shelf) -> Section:
    """Show what the state model of the paper is told to draw well."""
    told = shelf.result(KIND)
    labels = tuple(str(label) for label in told["labels"])
    return Section(
        "weights",
        "Where the agent looks",
        "The paper weighs the errors of a state model by how much each pixel matters to the agent's choice "
        "(guided backpropagation), so that it draws well what the agent goes by and need not draw the rest.",
        (
            Weights(
                "Recorded states above the weights of their pixels (Fig. 2 of the paper)",
                "Bright pixels count most. Whether they lie on what should decide: the light, the car, the "
                "person, the edge of the lane.",
                shelf.file(f"{KIND}/states.npy"),
                shelf.file(f"{KIND}/weights.npy"),
                StateLayout.from_json(told["layout"]),
                tuple(range(len(labels))),
                shelf.source(KIND),
                tuple(f"it shows: {label}" for label in labels),
            ),
        ),
    )
