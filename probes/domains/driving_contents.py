"""What driving states show, synthesised or real, and whether the agent brakes there (Sec. 4.7)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from probes.domains.presence import presence, presence_shares
from probes.domains.viewpoint import Viewpoint
from probes.state_models.state_model import StateModel, reconstruct
from probes.states import StateLayout, to_states, to_stored
from probes.statistics import share

IN_THE_WAY = (
    "car ahead",
    "person on the road",
    "person within the stopping path",
    "light red",
    "light yellow",
)
"""What may ask for braking; where none of it is there, the road is free."""

NEAR = ("person on the road", "person within the stopping path")
"""What a state model must draw, or else what it leaves out of findings tells nothing of the agent."""
_BATCH = 16


def describe(
    stored: NDArray[np.uint8],
    actions: NDArray[np.integer],
    brake: int,
    layout: StateLayout,
    viewpoint: Viewpoint,
) -> dict[str, Any] | None:
    """Return shares of states, each with a 95% interval (Wilson), as plain data; None of no states.

    Args:
        stored: (B, T, M, H, W).
        actions: (B,), the agent's best in each.
        brake: which of them is braking.
        layout: of the states.
        viewpoint: of their camera.
    """
    if not len(stored):
        return None
    present = presence(stored, layout, viewpoint)
    is_free = ~np.any([present[name] for name in IN_THE_WAY], axis=0)
    brakes = np.asarray(actions) == brake
    free = int(is_free.sum())
    return {
        "states": len(stored),
        "shows": {name: found.to_json() for name, found in presence_shares(present).items()},
        "road_free": share(free, len(stored)).to_json(),
        "brakes": share(int(brakes.sum()), len(stored)).to_json(),
        "brakes_on_free_road": share(int((brakes & is_free).sum()), free).to_json() if free else None,
    }


def drawn_again(stored: NDArray[np.uint8], model: StateModel, viewpoint: Viewpoint) -> dict[str, Any]:
    """Return of the recorded states that show somebody near how many do so still as a state model draws them.

    Args:
        stored: (B, T, M, H, W).
        model: in eval mode.
        viewpoint: of their camera.

    Returns:
        For each of `NEAR` a share with its interval (Wilson), as plain data; None where no state shows it.
    """
    layout = model.layout
    before = presence(stored, layout, viewpoint)
    near = np.flatnonzero(np.any([before[name] for name in NEAR], axis=0))
    parts = np.array_split(near, -(-len(near) // _BATCH)) if len(near) else []
    drawn = [_drawn(stored[part], model) for part in parts]
    after = presence(np.concatenate([stored[:0], *drawn]), layout, viewpoint)
    told: dict[str, Any] = {}
    for name in NEAR:
        was = before[name][near]
        kept = int((after[name] & was).sum())
        told[name] = share(kept, int(was.sum())).to_json() if was.any() else None
    return told


@torch.no_grad()
def _drawn(stored: NDArray[np.uint8], model: StateModel) -> NDArray[np.uint8]:
    states = to_states(torch.from_numpy(stored), model.layout)
    drawn: NDArray[np.uint8] = to_stored(reconstruct(model, states), model.layout).numpy()
    return drawn
