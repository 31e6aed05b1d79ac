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

#: Display colours (R, G, B), told apart by colour-blind eyes too, after Okabe and Ito (2008).
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

#: How agents take in a class, 0 to 255 in four channels: person, solid, ground, signal. Fixed, not learned;
#: only people use the first channel, so that whoever overlooks them does so for want of reason, not of sight.
AGENT_PALETTE: tuple[tuple[int, int, int, int], ...] = (
    (0, 0, 128, 96),  # sky
    (0, 0, 255, 96),  # road
    (0, 48, 255, 48),  # lane marking
    (0, 0, 255, 160),  # crosswalk
    (0, 0, 64, 96),  # sidewalk
    (0, 0, 0, 96),  # vegetation
    (0, 80, 32, 96),  # building
    (0, 128, 64, 128),  # pole
    (0, 255, 128, 96),  # car
    (255, 0, 128, 96),  # person
    (0, 64, 128, 255),  # light red
    (0, 64, 128, 192),  # light yellow
    (0, 64, 128, 0),  # light green
)
