"""What driving states show, synthesised or real, and whether the agent brakes there (Sec. 4.7)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes.domains.presence import presence, presence_shares
from probes.domains.viewpoint import Viewpoint
from probes.states import StateLayout
from probes.statistics import share

IN_THE_WAY = (
    "car ahead",
    "person on the road",
    "person within the stopping path",
    "light red",
    "light yellow",
)
"""What may ask for braking; where none of it is there, the road is free."""


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
