"""What sets clusters of driving states apart, in a few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from drivesim.render.actors import GROUND_CLEARANCE
from drivesim.render.semantics import SemanticClass
from probes.domains.driving_contents import IN_THE_WAY
from probes.domains.presence import CAR_REACH, presence, stands_in
from probes.domains.scenes import class_pictures
from probes.domains.viewpoint import MARGIN, Viewpoint, corridor, ground_position
from probes.states import StateLayout

Floats = NDArray[np.float64]

NEAR = 15.0
"""m ahead of the bumper up to which whoever stands beside the ego's path is told of."""
APART = 0.5
"""By how much more, or less, of a cluster's members than of the other findings show what sets it apart."""
MOST = 0.75
"""Share of a cluster's members from which on they show something."""
NAMED = 3
"""Things of a kind that are named at most; of what sets a cluster apart, those that do so most."""
CAR_AHEAD = "car ahead"
NAMES = {
    "light red": "red light",
    "light yellow": "yellow light",
    "light green": "green light",
    CAR_AHEAD: CAR_AHEAD,
    "person within the stopping path": "person within the stopping path",
    "person on the road": "person on the road",
    "crosswalk ahead": "crosswalk ahead",
}
"""What `presence` tells, as a person says it, in the order in which it is said."""


def in_words(
    stored: NDArray[np.uint8],
    clusters: Sequence[NDArray[np.bool_]],
    layout: StateLayout,
    viewpoint: Viewpoint,
) -> list[str]:
    """Say of each cluster what sets it apart and what else it shows: `car ahead at 8 m; also red light`.

    Args:
        stored: (B, T, M, H, W), the states.
        clusters: masks (B,).
        layout: of the states.
        viewpoint: of their camera.
    """
    things = street_things(stored, layout, viewpoint)
    distance = distance_to_car(stored, layout, viewpoint)
    told = []
    for members in clusters:
        apart = what_sets_apart(things, members)
        also = [name for name, shown in things.items() if shown[members].mean() >= MOST and name not in apart]
        seen = distance[members & np.isfinite(distance)]
        at = f"{CAR_AHEAD} at {np.median(seen):.0f} m" if len(seen) else CAR_AHEAD
        parts = [
            ", ".join(at if name == CAR_AHEAD else name for name in some[:NAMED]) for some in (apart, also)
        ]
        told.append(("" if apart else "like the others: ") + "; also ".join(filter(None, parts)))
    return told


def street_things(
    stored: NDArray[np.uint8], layout: StateLayout, viewpoint: Viewpoint
) -> dict[str, NDArray[np.bool_]]:
    """Tell what the newest frame of states (B, T, M, H, W) shows: (B,) by name.

    What `presence` tells of a driver's way, and who is near beside it, on which side.
    """
    shown = presence(stored, layout, viewpoint)
    things = {said: shown[name] for name, said in NAMES.items()}
    now = class_pictures(stored, layout)[:, -1]
    beside = viewpoint.half_width + MARGIN
    for semantic, level in ((SemanticClass.CAR, GROUND_CLEARANCE), (SemanticClass.PERSON, 0.0)):
        ahead, left = _ground(viewpoint, level)
        for side, where in (("left", left > beside), ("right", left < -beside)):
            name = f"{semantic.name.lower()} near on the {side}"
            things[name] = stands_in(now == semantic, (ahead <= NEAR) & where)
    things["free road"] = ~np.any([shown[name] for name in IN_THE_WAY], axis=0)
    return things


def distance_to_car(stored: NDArray[np.uint8], layout: StateLayout, viewpoint: Viewpoint) -> Floats:
    """Return how far ahead (m, of the bumper) the nearest car in the ego's way is, (B,); inf without one."""
    is_car = class_pictures(stored, layout)[:, -1] == SemanticClass.CAR
    below = np.zeros_like(is_car)
    below[:, :-1] = is_car[:, 1:]
    feet = is_car & ~below & corridor(viewpoint, CAR_REACH, MARGIN, GROUND_CLEARANCE, edge=1.0)
    ahead, _ = _ground(viewpoint, GROUND_CLEARANCE)
    nearest: Floats = np.where(feet, ahead, np.inf).min((1, 2))
    return nearest


def what_sets_apart(things: Mapping[str, NDArray[np.bool_]], members: NDArray[np.bool_]) -> list[str]:
    """Name what a cluster's members show more often than the other states by `APART`, or less: `no ...`.

    Args:
        things: (B,) by name.
        members: (B,), of the cluster.

    Returns:
        The largest difference first; nothing where the cluster holds all states.
    """
    if members.all():
        return []
    gaps = {name: float(shown[members].mean() - shown[~members].mean()) for name, shown in things.items()}
    largest = sorted(gaps, key=lambda name: -abs(gaps[name]))
    return [name if gaps[name] > 0 else f"no {name}" for name in largest if abs(gaps[name]) >= APART]


def _ground(viewpoint: Viewpoint, level: float) -> tuple[Floats, Floats]:
    """Return m ahead of the bumper and to the left (H, W) each, where a pixel's lower edge meets a plane."""
    camera = viewpoint.camera
    rows, columns = np.indices((camera.height, camera.width)).astype(np.float64)
    return ground_position(viewpoint, rows + 1.0, columns + 0.5, level)
