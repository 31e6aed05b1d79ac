"""Traffic signals: a fixed-time plan per intersection, shifted by a hash of the intersection's number.

Two stages alternate: the ego's road (stage 0), then the side road (stage 1). People may walk across a
road during the first `walk` seconds of the other road's stage.
"""

from __future__ import annotations

import math

from drivesim.kernels import kernel
from drivesim.world.random import SIGNALS, uniform
from drivesim.world.state import TownRecord

GREEN, YELLOW, RED = 0, 1, 2


@kernel
def stage_clock(town: TownRecord, intersection: int, time: float) -> float:
    """Return the seconds since the ego's road last turned green, in [0, 2 stages)."""
    cycle = 2.0 * (town.green + town.yellow + town.all_red)
    offset = town.offset_spread * cycle * uniform(town.town_seed, SIGNALS, intersection, 0, 0)
    return (time + offset) % cycle


@kernel
def light(town: TownRecord, intersection: int, is_side_road: bool, time: float) -> int:
    """Return what drivers see: GREEN, YELLOW or RED."""
    clock = stage_clock(town, intersection, time)
    stage = town.green + town.yellow + town.all_red
    if is_side_road:
        clock = (clock + stage) % (2.0 * stage)
    if clock < town.green:
        return GREEN
    if clock < town.green + town.yellow:
        return YELLOW
    return RED


@kernel
def may_walk(town: TownRecord, intersection: int, time: float) -> bool:
    """Tell whether people may step off to cross the ego's road."""
    stage = town.green + town.yellow + town.all_red
    since = stage_clock(town, intersection, time) - stage
    return 0.0 <= since < town.walk


@kernel
def nearest_intersection(town: TownRecord, x: float) -> int:
    """Return the number of the intersection nearest to x (m); number i is centred on i block lengths."""
    return math.floor(x / town.block_length + 0.5)
