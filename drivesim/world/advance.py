"""One control step for N worlds: this file only orders the calls to the parts.

A decision is `begin`-`decide`-(`step`)*: everybody chooses what to do at the decision rate, then bodies move
and collisions are tested at the physics rate. A world whose episode ends within a decision stops at that
physics step, so that its state shows the first contact.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from drivesim.kernels import kernel
from drivesim.world import cars as car_motion
from drivesim.world import ego as ego_motion
from drivesim.world import pedestrians
from drivesim.world.collisions import boxes_gap
from drivesim.world.parameters import (
    CROWD_ROWS,
    EGO_ROWS,
    EGO_START,
    TOWN_ROWS,
    TRAFFIC_ROWS,
    Tables,
    draw,
    draw_rows,
)
from drivesim.world.random import CARS, EGO, PEOPLE, WORLD, uniform
from drivesim.world.signals import RED, light
from drivesim.world.state import (
    AWAY,
    OUTCOME,
    EgoRecord,
    OutcomeRecord,
    Records,
    TownRecord,
    TownState,
    empty_state,
    town_numbers,
    trailing_numbers,
)
from drivesim.world.town import half_road, lane_offset, stop_line

_N_START = len(EGO_START)
_BLOCKS = 4096
"""Blocks along the ego's road among which an episode starts."""


@kernel
def _round(value: float) -> int:
    return math.floor(value + 0.5)


@kernel
def windows(town: TownRecord, tables: Tables) -> tuple[float, float, float, float]:
    """Return the cars' and the people's windows: m ahead of and behind the ego, each."""
    seed = town.seed
    return (
        draw(tables, TRAFFIC_ROWS + 1, seed, CARS, -1, 0),
        draw(tables, TRAFFIC_ROWS + 2, seed, CARS, -1, 0),
        draw(tables, CROWD_ROWS + 1, seed, PEOPLE, -1, 0),
        draw(tables, CROWD_ROWS + 2, seed, PEOPLE, -1, 0),
    )


@kernel
def begin_ego(ego: EgoRecord, numbers: NDArray[np.float64], town: TownRecord, tables: Tables) -> None:
    """Draw the ego's start and body; `numbers` are its record's trailing fields from `top_speed` on."""
    seed = town.seed
    draw_rows(numbers, tables, EGO_ROWS + _N_START, seed, EGO, 0, 0)
    ego.half_length *= 0.5
    ego.half_width *= 0.5
    block = math.floor(_BLOCKS * uniform(seed, EGO, 0, 0, 100))
    ego.x = block * town.block_length + draw(tables, EGO_ROWS, seed, EGO, 0, 0)
    ego.y = -(round(town.lanes) - 0.5) * town.lane_width + draw(tables, EGO_ROWS + 1, seed, EGO, 0, 0)
    ego.yaw = draw(tables, EGO_ROWS + 2, seed, EGO, 0, 0)
    ego.speed = draw(tables, EGO_ROWS + 3, seed, EGO, 0, 0)
    ego.steer = ego.odometer = ego.target_acceleration = ego.brake = 0.0


@kernel
def begin_world(
    town: TownRecord,
    town_numbers: NDArray[np.float64],
    ego: EgoRecord,
    ego_numbers: NDArray[np.float64],
    cars: Records,
    people: Records,
    tables: Tables,
    seed: int,
) -> None:
    """Start an episode: everything drawn, everybody in place, the clock at zero."""
    town.seed, town.town_seed, town.tick = seed, tables.town_seed, 0
    draw_rows(town_numbers, tables, TOWN_ROWS, seed, WORLD, 0, 0)
    begin_ego(ego, ego_numbers, town, tables)
    town.num_cars = _round(draw(tables, TRAFFIC_ROWS, seed, CARS, -1, 0))
    town.num_people = _round(draw(tables, CROWD_ROWS, seed, PEOPLE, -1, 0)) + len(tables.triggers)
    cars_ahead, cars_behind, people_ahead, people_behind = windows(town, tables)
    for i in range(len(cars)):
        cars[i].is_active = 0
        cars[i].entry = 0
    for i in range(town.num_cars):
        car_motion.enter(cars, i, town, ego, tables, (cars_ahead, cars_behind), True)
    for j in range(len(people)):
        people[j].entry = 0
        people[j].mode = AWAY
    pedestrians.begin(people, town, ego, tables, (people_ahead, people_behind))


@kernel
def decide_world(
    town: TownRecord,
    ego: EgoRecord,
    cars: Records,
    people: Records,
    action: NDArray[np.float64],
    tables: Tables,
) -> None:
    """Let everybody choose for the coming decision; `action` is the ego's throttle, brake and steer."""
    now = town.tick * tables.physics_dt
    cars_ahead, cars_behind, people_ahead, people_behind = windows(town, tables)
    car_motion.renew(cars, town, ego, tables, (cars_ahead, cars_behind))
    pedestrians.renew(people, town, ego, tables, (people_ahead, people_behind), now)
    pedestrians.arrive(people, town, tables)
    pedestrians.decide(people, cars, ego, town, tables, now)
    car_motion.decide(cars, people, ego, town, town.num_people, now)
    ego_motion.command(ego, action[0], action[1], action[2])


@kernel
def move_world(town: TownRecord, ego: EgoRecord, cars: Records, people: Records, dt: float) -> float:
    """Move every body by one physics step of `dt` s; return the ego's lateral acceleration, m/s^2."""
    lateral = ego_motion.move(ego, dt)
    for i in range(town.num_cars):
        if cars[i].is_active == 1:
            car_motion.move(cars[i], dt)
    for j in range(town.num_people):
        pedestrians.move(people[j], dt)
    town.tick += 1
    return lateral


@kernel
def find_contacts(
    town: TownRecord, ego: EgoRecord, cars: Records, people: Records, outcome: OutcomeRecord, tables: Tables
) -> bool:
    """Fill the outcome's `person`, `car` and `off_road`; tell whether one of them ends the episode."""
    cos, sin = math.cos(ego.yaw), math.sin(ego.yaw)
    length, width = ego.half_length, ego.half_width
    reach = length * abs(sin) + width * abs(cos)
    outcome.off_road = int(abs(ego.y) + reach > half_road(town) + tables.off_road_margin)
    for j in range(town.num_people):
        p = people[j]
        h = p.half_width
        near = length + width + h
        if abs(p.x - ego.x) < near and abs(p.y - ego.y) < near and outcome.person < 0 and p.mode != AWAY:
            gap = boxes_gap(ego.x, ego.y, cos, sin, length, width, p.x, p.y, 1.0, 0.0, h, h)
            if gap < 0.0:
                outcome.person = j
    for i in range(town.num_cars):
        c = cars[i]
        near = length + width + c.half_length + c.half_width
        if c.is_active == 1 and abs(c.x - ego.x) < near and abs(c.y - ego.y) < near and outcome.car < 0:
            gap = boxes_gap(
                ego.x, ego.y, cos, sin, length, width, c.x, c.y, c.cos, c.sin, c.half_length, c.half_width
            )
            if gap < 0.0:
                outcome.car = i
    return (
        (outcome.person >= 0 and tables.stop_on_person)
        or (outcome.car >= 0 and tables.stop_on_car)
        or (outcome.off_road == 1 and tables.stop_off_road)
    )


@kernel
def crossed_red(town: TownRecord, ego: EgoRecord, before_x: float, now: float) -> bool:
    """Tell whether the ego's front bumper passed a stop line of its direction at red in this step."""
    if town.signals_enabled < 0.5:
        return False
    line = stop_line(town)
    first = (before_x + ego.half_length + line) / town.block_length
    second = (ego.x + ego.half_length + line) / town.block_length
    number = math.floor(second)
    return number > math.floor(first) and light(town, int(number), False, now) == RED


@kernel
def step_worlds(
    town: Records,
    ego: Records,
    cars: Records,
    people: Records,
    actions: NDArray[np.float64],
    outcomes: Records,
    active: NDArray[np.bool_],
    tables: Tables,
    first: int,
    last: int,
) -> None:
    """Advance the active worlds of [first, last) by one decision."""
    for n in range(first, last):
        outcome = outcomes[n]
        outcome.person, outcome.car, outcome.off_road, outcome.ran_red = -1, -1, 0, 0
        outcome.progress = outcome.swerve = outcome.elapsed = 0.0
        if not active[n]:
            continue
        start = ego[n].odometer
        decide_world(town[n], ego[n], cars[n], people[n], actions[n], tables)
        for _ in range(tables.substeps):
            before_x = ego[n].x
            lateral = move_world(town[n], ego[n], cars[n], people[n], tables.physics_dt)
            outcome.swerve += abs(lateral) / ego[n].max_lateral_acceleration / tables.substeps
            outcome.elapsed += tables.physics_dt
            if crossed_red(town[n], ego[n], before_x, town[n].tick * tables.physics_dt):
                outcome.ran_red = 1
            if find_contacts(town[n], ego[n], cars[n], people[n], outcome, tables):
                break
        outcome.progress = ego[n].odometer - start
        outcome.lane_offset = lane_offset(town[n], ego[n].y)


@kernel
def begin_worlds(
    town: Records,
    town_numbers: NDArray[np.float64],
    ego: Records,
    ego_numbers: NDArray[np.float64],
    cars: Records,
    people: Records,
    worlds: NDArray[np.int64],
    seeds: NDArray[np.int64],
    tables: Tables,
) -> None:
    """Start episodes in the worlds listed."""
    for i in range(len(worlds)):
        n = worlds[i]
        begin_world(town[n], town_numbers[n], ego[n], ego_numbers[n], cars[n], people[n], tables, seeds[i])


def begin(state: TownState, worlds: NDArray[np.int64], seeds: NDArray[np.int64], tables: Tables) -> None:
    """Start new episodes.

    Args:
        state: changed in place.
        worlds: (M,) which worlds.
        seeds: (M,) their episodes' seeds.
        tables: the compiled scenario.
    """
    begin_worlds(
        state.town,
        town_numbers(state),
        state.ego,
        trailing_numbers(state.ego, "top_speed"),
        state.cars,
        state.people,
        np.ascontiguousarray(worlds, np.int64),
        np.ascontiguousarray(seeds, np.int64),
        tables,
    )


def begun(tables: Tables, seeds: NDArray[np.int64]) -> TownState:
    """Return towns (N,) in which episodes of some seeds begin."""
    state = empty_state(len(seeds), tables.capacity_cars, tables.capacity_people)
    begin(state, np.arange(len(seeds)), seeds, tables)
    return state


def step(
    state: TownState, actions: NDArray[np.float64], tables: Tables, active: NDArray[np.bool_] | None = None
) -> Records:
    """Advance every active world by one decision.

    Args:
        state: changed in place.
        actions: (N, 3) throttle in [-1, 1], brake in [0, 1], steer in [-1, 1].
        tables: the compiled scenario.
        active: (N,) which worlds move; all by default.

    Returns:
        (N,) of `OUTCOME`.
    """
    outcomes = np.zeros(len(state), OUTCOME)
    moving = np.ones(len(state), np.bool_) if active is None else active
    step_worlds(
        state.town,
        state.ego,
        state.cars,
        state.people,
        np.ascontiguousarray(actions, np.float64),
        outcomes,
        moving,
        tables,
        0,
        len(state),
    )
    return outcomes
