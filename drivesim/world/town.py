"""Static geometry: a periodic grid of roads, and what stands beside the ego's road.

The ego's road runs along y = 0; side roads cross it at every multiple of the block length. Folding a
coordinate gives its distance to the nearest crossing road's centre line.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from drivesim.kernels import kernel
from drivesim.world.state import TownRecord

MAP_CELLS = 1024
"""Cells along each side of a class map; a power of two."""

CROSSWALK_GAP = 1.0
"""m between an intersection and its crosswalks."""
STOP_LINE_GAP = 1.0
"""m between a crosswalk and its stop line."""
STOP_LINE_WIDTH = 0.5
"""m, within the 0.3 to 0.6 m of MUTCD 3B.16."""
LINE_WIDTH = 0.2
"""m; MUTCD allows 0.1 to 0.15 for normal lines, doubled here so that a 128-pixel camera sees it."""
DASH, DASH_PERIOD = 3.0, 9.0
"""m, dash and period of a lane line; a 1:3 pattern after MUTCD 3A.06, shortened."""
STRIPE = 0.6
"""m, crosswalk stripe and gap."""

_ROAD, _LINE, _CROSSWALK, _SIDEWALK, _GRASS = 1, 2, 3, 4, 5


@kernel
def half_road(town: TownRecord) -> float:
    """Return the distance from a road's centre line to its kerb, m."""
    return round(town.lanes) * town.lane_width


@kernel
def stop_line(town: TownRecord) -> float:
    """Return the distance from an intersection's centre to where a front bumper stops, m."""
    return half_road(town) + CROSSWALK_GAP + town.crosswalk_width + STOP_LINE_GAP


@kernel
def fold(value: float, period: float) -> float:
    """Return the signed distance to the nearest multiple of `period`."""
    return value - math.floor(value / period + 0.5) * period


@kernel
def lane_offset(town: TownRecord, y: float) -> float:
    """Return the signed distance (m) to the nearest lane centre of the ego's direction (y < 0)."""
    lane = min(max(math.floor(-y / town.lane_width), 0.0), round(town.lanes) - 1.0)
    return y + (lane + 0.5) * town.lane_width


@kernel
def paint(along: float, across: float, town: TownRecord) -> int:
    """Return the class of a point on one road, away from intersections.

    Args:
        along: m from the nearest intersection's centre, signed.
        across: m from the road's centre line, signed.
        town: one record of `TOWN`.
    """
    half, distance, offset = half_road(town), abs(along), abs(across)
    near_crosswalk = distance - half - CROSSWALK_GAP
    midblock = 0.5 * town.block_length - distance
    on_crosswalk = town.intersection_crosswalks > 0.5 and 0.0 <= near_crosswalk < town.crosswalk_width
    on_crosswalk |= town.midblock_crosswalks > 0.5 and midblock < 0.5 * town.crosswalk_width
    if on_crosswalk:
        return _CROSSWALK if (across / STRIPE) % 2.0 < 1.0 else _ROAD
    to_line = distance - stop_line(town)
    if to_line < 0.0:
        return _ROAD
    # Right-hand traffic: who drives along +x keeps to across < 0 and meets his line at along < 0.
    if to_line < STOP_LINE_WIDTH and across * along > 0.0:
        return _LINE
    if offset < LINE_WIDTH:
        return _LINE
    from_lane_line = abs(offset - math.floor(offset / town.lane_width + 0.5) * town.lane_width)
    is_inner = town.lane_width * 0.5 < offset < half - town.lane_width * 0.5
    if is_inner and from_lane_line < 0.5 * LINE_WIDTH and distance % DASH_PERIOD < DASH:
        return _LINE
    return _ROAD


@kernel
def ground_class(x: float, y: float, town: TownRecord) -> int:
    """Return the semantic class of the ground at a point (m)."""
    u, w = fold(x, town.block_length), fold(y, town.block_length)
    half = half_road(town)
    on_main, on_side = abs(w) < half, abs(u) < half
    if on_main and on_side:
        return _ROAD
    if on_main:
        return paint(u, w, town)
    if on_side:
        return paint(w, -u, town)
    if min(abs(u), abs(w)) < half + town.sidewalk_width:
        return _SIDEWALK
    return _GRASS


@kernel
def _fill_class_map(out: NDArray[np.uint8], town: TownRecord) -> None:
    cell = town.block_length / out.shape[0]
    for iy in range(out.shape[0]):
        for ix in range(out.shape[1]):
            out[iy, ix] = ground_class((ix + 0.5) * cell, (iy + 0.5) * cell, town)


GEOMETRY: tuple[str, ...] = (
    "block_length",
    "lane_width",
    "lanes",
    "sidewalk_width",
    "crosswalk_width",
    "intersection_crosswalks",
    "midblock_crosswalks",
)
"""The fields of `TOWN` that the class map depends on."""


@lru_cache(maxsize=16)
def _class_map(record: bytes, dtype: np.dtype[np.void]) -> NDArray[np.uint8]:
    out = np.empty((MAP_CELLS, MAP_CELLS), np.uint8)
    _fill_class_map(out, np.frombuffer(record, dtype)[0])
    out.flags.writeable = False
    return out


def class_map(town: np.void) -> NDArray[np.uint8]:
    """Draw the ground of one town as a map of classes, one period in x and y.

    Args:
        town: one record of `TOWN`.

    Returns:
        (MAP_CELLS, MAP_CELLS): [iy, ix] is the class at ((ix + 0.5), (iy + 0.5)) cells. Read-only and shared.
    """
    bare = np.zeros((), town.dtype)
    for name in GEOMETRY:
        bare[name] = town[name]
    return _class_map(bare.tobytes(), town.dtype)
