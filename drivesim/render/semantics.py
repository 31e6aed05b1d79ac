"""Semantic classes: ids, names, colours for people's eyes, gray levels, and how faces are shaded."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class SemanticClass(IntEnum):
    """What a pixel shows. The ids are part of the observation format."""

    SKY = 0
    ROAD = 1
    LANE_MARKING = 2
    CROSSWALK = 3
    SIDEWALK = 4
    VEGETATION = 5
    BUILDING = 6
    POLE = 7
    CAR = 8
    PERSON = 9
    LIGHT_RED = 10
    LIGHT_YELLOW = 11
    LIGHT_GREEN = 12


CLASS_NAMES: tuple[str, ...] = tuple(c.name.lower().replace("_", " ") for c in SemanticClass)
NUM_CLASSES: int = len(CLASS_NAMES)

#: Display colours (R, G, B), distinguishable to the common kinds of colour blindness, after Okabe and Ito (2008).
PALETTE: NDArray[np.uint8] = np.array(
    [
        (168, 208, 230),  # sky
        (84, 84, 92),  # road
        (255, 255, 255),  # lane marking
        (214, 206, 178),  # crosswalk
        (150, 142, 150),  # sidewalk
        (0, 158, 115),  # vegetation
        (120, 94, 78),  # building
        (60, 52, 68),  # pole
        (0, 114, 178),  # car
        (240, 228, 66),  # person
        (213, 40, 20),  # light red
        (230, 159, 0),  # light yellow
        (86, 255, 190),  # light green
    ],
    dtype=np.uint8,
)

#: Gray of an unshaded surface of each class, 0 to 255. A prism may carry its own tone instead.
GRAY_LEVELS: NDArray[np.uint8] = np.array(
    [200, 90, 225, 190, 150, 80, 130, 60, 110, 170, 96, 200, 160], dtype=np.uint8
)
