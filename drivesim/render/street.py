"""What stands beside the ego's road: buildings, trees, lamps, signal posts, laid out around one block.

Everything is a function of the block's number and the town's seed, so the town has no edge and looks the
same whenever it is visited. Coordinates are relative to the block's start, which keeps them small.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from drivesim.kernels import kernel
from drivesim.render.semantics import GRAY_LEVELS, SemanticClass
from drivesim.world.random import BUILDINGS, uniform
from drivesim.world.signals import light
from drivesim.world.state import TownRecord
from drivesim.world.town import half_road

BLOCKS_BEHIND, BLOCKS_AHEAD = 1, 1
"""Blocks drawn before and after the ego's own."""
LOT, DEPTH = 17.0, 12.0
"""m, aimed width and depth of a building's lot."""
MAX_LOTS, SIDE_LOTS, MAX_TREES, MAX_LAMPS = 10, 4, 16, 8
"""Per side of a block: lots along the ego's road and along each side road, trees, lamps."""
LAMP_SPACING = 25.0
"""m."""
SIDES = 2 * (BLOCKS_BEHIND + 1 + BLOCKS_AHEAD)
STREET_CAPACITY = SIDES * (MAX_LOTS + 2 * SIDE_LOTS + 2 * MAX_TREES + MAX_LAMPS)
"""Prisms of a street at most."""
LIGHT_CAPACITY = 12 * (BLOCKS_BEHIND + 2 + BLOCKS_AHEAD)
"""Prisms of signals: four posts with a lamp and a back plate each, per intersection in view."""

_VEGETATION, _BUILDING, _POLE = (
    int(SemanticClass.VEGETATION),
    int(SemanticClass.BUILDING),
    int(SemanticClass.POLE),
)
_GREEN, _YELLOW, _RED = (
    int(SemanticClass.LIGHT_GREEN),
    int(SemanticClass.LIGHT_YELLOW),
    int(SemanticClass.LIGHT_RED),
)
_TONES = GRAY_LEVELS.astype(np.int64)


@kernel
def put(
    boxes: NDArray[np.float64],
    classes: NDArray[np.uint8],
    tones: NDArray[np.uint8],
    i: int,
    semantic: int,
    tone: int,
    low: tuple[float, float, float],
    high: tuple[float, float, float],
) -> int:
    """Write prism i, spanning from one corner (m) to the opposite; return i + 1."""
    boxes[i, 0], boxes[i, 1] = 0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1])
    boxes[i, 2], boxes[i, 3] = 1.0, 0.0
    boxes[i, 4], boxes[i, 5] = 0.5 * abs(high[0] - low[0]), 0.5 * abs(high[1] - low[1])
    boxes[i, 6], boxes[i, 7] = low[2], high[2]
    classes[i], tones[i] = semantic, tone
    return i + 1


@kernel
def put_building(
    boxes: NDArray[np.float64],
    classes: NDArray[np.uint8],
    tones: NDArray[np.uint8],
    i: int,
    town: TownRecord,
    key: tuple[int, int],
    lot: tuple[float, float, float, float],
    faces_main: bool,
) -> int:
    """Write one building into a lot (x from, x to, y from the road outward, depth); return the next index.

    Args:
        boxes, classes, tones: the prisms' columns of one world.
        i: where to write.
        town: one record of `TOWN`.
        key: block and lot number, hashed to the building's looks; the lot's sign tells the side of the road.
        lot: m; the y of a lot counts away from the ego's road.
        faces_main: whether its front is along the ego's road, else along a side road.
    """
    block, number = key
    seed = town.town_seed
    setback = 0.5 + 2.5 * uniform(seed, BUILDINGS, block, number, 0)
    gap = 0.4 + 1.2 * uniform(seed, BUILDINGS, block, number, 1)
    share = uniform(seed, BUILDINGS, block, number, 2)
    height = town.building_height_min + share * share * (
        max(town.building_height_max - town.building_height_min, 0.0)
    )
    tone = 100 + int(90.0 * uniform(seed, BUILDINGS, block, number, 3))
    x0, x1, y0, depth = lot
    y1 = y0 + depth
    if faces_main:
        x0, x1, y0 = x0 + gap, x1 - gap, y0 + setback
    else:
        y0, y1 = y0 + gap, y1 - gap
        if number % 2 == 0:
            x0 += setback
        else:
            x1 -= setback
    side = 1.0 if number >= 0 else -1.0
    a, b = min(side * y0, side * y1), max(side * y0, side * y1)
    return put(boxes, classes, tones, i, _BUILDING, tone, (x0, a, 0.0), (x1, b, height))


@kernel
def put_block_side(
    boxes: NDArray[np.float64],
    classes: NDArray[np.uint8],
    tones: NDArray[np.uint8],
    i: int,
    town: TownRecord,
    block: int,
    origin: float,
    side: int,
) -> int:
    """Write what stands on one side (+1 left, -1 right) of one block's road; return the next index."""
    kerb, seed = half_road(town), town.town_seed
    inner = kerb + town.sidewalk_width
    start, end = origin + inner, origin + town.block_length - inner
    if end - start < 2.0:
        return i
    lots = min(max(int((end - start) / LOT), 1), MAX_LOTS)
    width = (end - start) / lots
    base = 0 if side > 0 else -1000
    for k in range(lots):
        lot = (start + k * width, start + (k + 1) * width, inner, DEPTH)
        i = put_building(boxes, classes, tones, i, town, (block, base + k), lot, True)
    shop = min(DEPTH, 0.45 * (end - start))
    for k in range(SIDE_LOTS):
        y = inner + 3.0 + DEPTH + k * LOT
        left, right = (start, start + shop, y, LOT), (end - shop, end, y, LOT)
        i = put_building(boxes, classes, tones, i, town, (block, base + 100 + 2 * k), left, False)
        i = put_building(boxes, classes, tones, i, town, (block, base + 101 + 2 * k), right, False)
    trees = min(int((end - start) / town.tree_spacing), MAX_TREES)
    for k in range(trees):
        shift = 0.4 * (uniform(seed, BUILDINGS, block, base + 200 + k, 0) - 0.5)
        x, y = start + (k + 0.5 + shift) * (end - start) / trees, side * (inner + 0.9)
        crown = 0.7 + 0.5 * uniform(seed, BUILDINGS, block, base + 200 + k, 1)
        top = 3.5 + 2.5 * uniform(seed, BUILDINGS, block, base + 200 + k, 2)
        tone = _TONES[_VEGETATION]
        low, high = (x - 0.15, y - 0.15, 0.0), (x + 0.15, y + 0.15, 2.0)
        i = put(boxes, classes, tones, i, _VEGETATION, tone, low, high)
        low, high = (x - crown, y - crown, 2.0), (x + crown, y + crown, top)
        i = put(boxes, classes, tones, i, _VEGETATION, tone, low, high)
    lamps = min(int((end - start) / LAMP_SPACING), MAX_LAMPS)
    for k in range(lamps):
        x, y = start + (k + 0.5) * (end - start) / lamps, side * (kerb + 0.4)
        low, high = (x - 0.08, y - 0.08, 0.0), (x + 0.08, y + 0.08, 5.0)
        i = put(boxes, classes, tones, i, _POLE, _TONES[_POLE], low, high)
    return i


@kernel
def put_street(
    boxes: NDArray[np.float64],
    classes: NDArray[np.uint8],
    tones: NDArray[np.uint8],
    town: TownRecord,
    block: int,
) -> int:
    """Write all that stands along the blocks around one; return how many prisms that is."""
    i = 0
    for k in range(-BLOCKS_BEHIND, BLOCKS_AHEAD + 1):
        for side in (-1, 1):
            i = put_block_side(boxes, classes, tones, i, town, block + k, k * town.block_length, side)
    return i


@kernel
def put_lights(
    boxes: NDArray[np.float64],
    classes: NDArray[np.uint8],
    tones: NDArray[np.uint8],
    i: int,
    town: TownRecord,
    block: int,
    time: float,
) -> int:
    """Write the signals of the ego's road at the intersections around a block; return the next index.

    Each of the four corners carries a lamp that shows along the ego's road, away from the intersection's
    centre on its far side: who approaches sees the two of the corners beyond.
    """
    if town.signals_enabled < 0.5:
        return i
    corner = half_road(town) + 0.9
    for k in range(-BLOCKS_BEHIND, BLOCKS_AHEAD + 2):
        state = light(town, block + k, False, time)
        lit = _GREEN if state == 0 else (_YELLOW if state == 1 else _RED)
        for toward in (-1.0, 1.0):
            for side in (-1.0, 1.0):
                x, y = k * town.block_length + toward * corner, side * corner
                pole = _TONES[_POLE]
                low, high = (x - 0.1, y - 0.1, 0.0), (x + 0.1, y + 0.1, 3.0)
                i = put(boxes, classes, tones, i, _POLE, pole, low, high)
                # The lamp's box is nearer to the approaching driver, the plate hides it from behind.
                front, back = x - toward * 0.25, x + toward * 0.1
                low, high = (min(front, x), y - 0.4, 3.0), (max(front, x), y + 0.4, 4.4)
                i = put(boxes, classes, tones, i, lit, _TONES[lit], low, high)
                low, high = (min(x, back), y - 0.5, 2.9), (max(x, back), y + 0.5, 4.5)
                i = put(boxes, classes, tones, i, _POLE, pole, low, high)
    return i


@kernel
def block_of(town: TownRecord, x: float) -> int:
    """Return the number of the block that holds x (m)."""
    return math.floor(x / town.block_length)
