"""Scripted drivers, who read the town's state: the acceptance test of every scenario.

`blind` follows its lane, the cars ahead and the signals, and does not know that people exist. `expert` is the
same driver who also yields to people. `parked` never moves.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from drivesim.kernels import kernel
from drivesim.world.crossing_rules import stopping_distance
from drivesim.world.parameters import Tables
from drivesim.world.signals import GREEN, YELLOW, light
from drivesim.world.state import CROSSING, EgoRecord, Records, TownRecord, TownState
from drivesim.world.town import half_road, lane_offset, stop_line

LOOK_AHEAD = 60.0
"""m along the lane within which a driver minds obstacles."""
GAP, HEADWAY, COMFORT = 3.0, 1.2, 3.0
"""m, s and m/s^2 of the drivers' own car following (IDM)."""
SIDE_MARGIN = 0.6
"""m beside the car within which an obstacle counts as ahead."""
_FREE = 1e9


class Driver(Protocol):
    """Chooses throttle, brake and steer of N worlds from their states."""

    def __call__(self, state: TownState, tables: Tables) -> NDArray[np.float64]:
        """Return (N, 3) throttle, brake, steer."""
        ...


@kernel
def steering(ego: EgoRecord, town: TownRecord) -> float:
    """Return the steer that takes the car back to its lane's centre: pure pursuit (Coulter 1992)."""
    reach = max(6.0, 1.2 * ego.speed)
    aim = math.atan2(-lane_offset(town, ego.y), reach) - ego.yaw
    wheel = math.atan2(2.0 * ego.wheelbase * math.sin(aim), reach)
    return min(max(wheel / ego.max_steer, -1.0), 1.0)


@kernel
def pedal(ego: EgoRecord, gap: float, speed: float) -> float:
    """Return throttle (positive) or brake (negative) for an obstacle `gap` m ahead moving at `speed` m/s."""
    wished = GAP + max(
        0.0,
        ego.speed * HEADWAY + ego.speed * (ego.speed - speed) / (2.0 * math.sqrt(ego.acceleration * COMFORT)),
    )
    free = 1.0 - (ego.speed / ego.top_speed) ** 4
    wanted = ego.acceleration * (free - (wished / max(gap, 0.1)) ** 2)
    return max(wanted / ego.acceleration if wanted > 0.0 else wanted / ego.braking, -1.0)


@kernel
def for_cars(ego: EgoRecord, cars: Records, num_cars: int) -> float:
    """Return the pedal that the cars in the ego's way allow."""
    allowed = pedal(ego, _FREE, 0.0)
    for i in range(num_cars):
        car = cars[i]
        if car.is_active == 0:
            continue
        is_side = abs(car.sin) > 0.5
        across = car.half_length if is_side else car.half_width
        along = car.half_width if is_side else car.half_length
        ahead = car.x - ego.x - ego.half_length - along
        lateral = abs(car.y - ego.y) - across - ego.half_width
        coming = is_side and (ego.y - car.y) * car.sin > 0.0 and lateral < 1.5 * car.speed
        if -1.0 < ahead < LOOK_AHEAD and (lateral < SIDE_MARGIN or coming):
            allowed = min(allowed, pedal(ego, ahead, car.speed * car.cos))
    return allowed


@kernel
def for_signal(ego: EgoRecord, town: TownRecord, now: float) -> float:
    """Return the pedal that the next signal allows."""
    if town.signals_enabled < 0.5:
        return 1.0
    line = stop_line(town)
    front = ego.x + ego.half_length
    number = math.ceil((front + line - 0.3) / town.block_length)
    gap = number * town.block_length - line - front
    seen = light(town, number, False, now)
    if gap > LOOK_AHEAD or seen == GREEN:
        return 1.0
    if seen == YELLOW and ego.speed * ego.speed / (2.0 * 0.7 * ego.braking) > gap:
        return 1.0
    return pedal(ego, gap + GAP - 0.5, 0.0)


@kernel
def for_people(ego: EgoRecord, people: Records, num_people: int, half: float) -> float:
    """Return the pedal that people on the road allow: none of them is passed closely or raced."""
    allowed = 1.0
    for j in range(num_people):
        person = people[j]
        if person.mode != CROSSING or abs(person.y) > half + 0.6:
            continue
        gap = person.x - person.half_width - ego.x - ego.half_length
        if gap < -2.0 * ego.half_length - 1.0 or gap > LOOK_AHEAD:
            continue
        step_y = -person.side
        strip = ego.half_width + person.half_width
        # Where the person is along the crossing, relative to the ego's strip: negative before it.
        past = (person.y - ego.y) * step_y
        if past > strip + 0.5:
            continue
        to_strip = -past - strip
        if gap < 0.0:
            if to_strip < 0.3:
                allowed = -1.0
            continue
        speed = max(person.walking_speed, 0.3)
        passed = (gap + 2.0 * ego.half_length + 1.0) / max(ego.speed, 0.5)
        cleared = (strip + 0.5 - past) / speed
        if to_strip > 0.0 and to_strip / speed > passed + 2.0:
            continue
        if cleared + 1.5 < gap / max(ego.top_speed, 0.1):
            continue
        allowed = min(allowed, pedal(ego, gap, 0.0))
        needed = stopping_distance(ego.speed, ego.top_speed, ego.acceleration, ego.braking)
        if gap < needed + 1.5:
            allowed = -1.0
    return allowed


@kernel
def _drive(
    town: Records,
    ego: Records,
    cars: Records,
    people: Records,
    controls: NDArray[np.float64],
    dt: float,
    sees_people: bool,
) -> None:
    for n in range(len(town)):
        allowed = for_cars(ego[n], cars[n], town[n].num_cars)
        allowed = min(allowed, for_signal(ego[n], town[n], town[n].tick * dt))
        if sees_people:
            half = half_road(town[n])
            allowed = min(allowed, for_people(ego[n], people[n], town[n].num_people, half))
        controls[n, 0] = max(allowed, 0.0)
        controls[n, 1] = max(-allowed, 0.0)
        controls[n, 2] = steering(ego[n], town[n])


def _follow(state: TownState, tables: Tables, sees_people: bool) -> NDArray[np.float64]:
    controls = np.zeros((len(state), 3))
    _drive(state.town, state.ego, state.cars, state.people, controls, tables.physics_dt, sees_people)
    return controls


def blind(state: TownState, tables: Tables) -> NDArray[np.float64]:
    """Follow lane, cars and signals; people do not exist."""
    return _follow(state, tables, False)


def expert(state: TownState, tables: Tables) -> NDArray[np.float64]:
    """Follow lane, cars and signals, and yield to people on the road."""
    return _follow(state, tables, True)


def parked(state: TownState, tables: Tables) -> NDArray[np.float64]:  # noqa: ARG001
    """Stand still."""
    return np.tile([0.0, 1.0, 0.0], (len(state), 1))


DRIVERS: dict[str, Driver] = {"blind": blind, "expert": expert, "parked": parked}
