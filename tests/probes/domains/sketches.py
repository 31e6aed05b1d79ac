"""Sketches of moments that tests know the truth of."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from drivesim.render.semantics import NUM_CLASSES
from drivesim.scenario.loader import load
from probes.domains.town_sketch import Body, Canvas, Sketch, Sketcher
from probes.states import Plane, StateLayout

SEGMENTED = StateLayout((Plane("semantic", "class", NUM_CLASSES),), 4, 128, 128)
LANE = -1.75
"""m, the middle of the ego's."""
PERSON, CAR, CROSSING = Body(False), Body(True, 1.0, 0.0), Body(True, 0.0, 1.0)


@cache
def sketcher() -> Sketcher:
    return Sketcher(load("reasonable"), SEGMENTED)


def sketch(
    x: float = 45.0, speed: float = 5.0, bodies: Sequence[tuple[Body, Sequence[float]]] = (), tick: int = 0
) -> Sketch:
    """The ego in the middle of its lane, and others by their numbers."""
    numbers = np.concatenate([[x, LANE, 0.0, speed], *(given for _, given in bodies)])
    return Sketch(0, tick, numbers, tuple(body for body, _ in bodies))


def drawn(of: Sketch) -> NDArray[np.uint8]:
    """What the ego sees, (T, M, H, W)."""
    stored: NDArray[np.uint8] = Canvas(sketcher(), of, 1).draw(of.numbers[None])[0]
    return stored
