"""The other cars: Intelligent Driver Model (Treiber, Hennecke, Helbing 2000) along straight lanes.

Cars keep their lane and drive straight on. They follow whatever stands in their corridor (cars, the ego,
people on the road), stop at red, and live in a window around the ego: who leaves it enters again elsewhere.
"""

from __future__ import annotations

import math

from drivesim.kernels import kernel
from drivesim.world.parameters import CAR_ROWS, Tables, draw
from drivesim.world.random import CARS, uniform
from drivesim.world.signals import GREEN, YELLOW, light
from drivesim.world.state import CROSSING, CarRecord, EgoRecord, Records, TownRecord
from drivesim.world.town import half_road, stop_line

SIDE_ROAD_REACH = 60.0
"""m along a side road within which cars are kept."""
CORRIDOR_MARGIN = 0.3
"""m to each side of a car that must be free."""
YIELD_MARGIN = 1.5
"""m to each side of a car in which a person on the road makes it brake."""
ENTRY_GAP = 12.0
"""m, centre to centre, kept free when a car enters."""
FREE = 1e9
_ENTRY_TRIES = 4


@kernel
def interaction(gap: float, approach: float, car: CarRecord) -> float:
    """Return IDM's (s* / s)^2 for one obstacle.

    Args:
        gap: s, bumper to bumper, m.
        approach: the closing speed, m/s.
        car: one record of `CAR`.
    """
    wished = car.minimum_gap + max(
        0.0,
        car.speed * car.time_headway
        + car.speed * approach / (2.0 * math.sqrt(car.max_acceleration * car.comfortable_braking)),
    )
    ratio = wished / max(gap, 0.1)
    return ratio * ratio


@kernel
def follow(car: CarRecord, strongest: float) -> float:
    """Return IDM's acceleration (m/s^2), given the strongest interaction."""
    free = 1.0 - (car.speed / max(car.desired_speed, 0.1)) ** 4
    return max(car.max_acceleration * (free - strongest), -car.max_braking)


@kernel
def obstacle_interaction(
    car: CarRecord, x: float, y: float, along: float, across: float, velocity: float, margin: float
) -> float:
    """Return the interaction with a body if it stands in the car's corridor, else 0.

    Args:
        car: one record of `CAR`.
        x, y: the body's centre, m.
        along, across: its half extents along and across the car's direction, m.
        velocity: its speed along the car's direction, m/s.
        margin: m to each side of the car.
    """
    dx, dy = x - car.x, y - car.y
    ahead = dx * car.cos + dy * car.sin
    if ahead <= 0.0 or abs(dy * car.cos - dx * car.sin) > car.half_width + across + margin:
        return 0.0
    gap = ahead - car.half_length - along
    if gap < -1.0:
        return 0.0
    return interaction(gap, car.speed - velocity, car)


@kernel
def signal_interaction(car: CarRecord, town: TownRecord, time: float) -> float:
    """Return the interaction with the next stop line if its light asks to stop, else 0."""
    if town.signals_enabled < 0.5 or car.obeys_signals < 0.5:
        return 0.0
    is_side = abs(car.sin) > 0.5
    along = (car.y if is_side else car.x) * (car.cos + car.sin)
    front = along + car.half_length
    line = stop_line(town)
    # The next intersection whose line the front has not passed, counted in the direction of travel.
    ahead = math.ceil((front + line - 0.5) / town.block_length)
    gap = ahead * town.block_length - line - front
    if gap > 60.0:
        return 0.0
    if is_side:
        if ahead != 0:
            return 0.0
        number = math.floor(car.x / town.block_length + 0.5)
    else:
        number = int(ahead * car.cos)
    seen = light(town, number, is_side, time)
    if seen == GREEN:
        return 0.0
    can_stop = car.speed * car.speed / (2.0 * 1.5 * car.comfortable_braking) < gap + 1.0
    if seen == YELLOW and not can_stop:
        return 0.0
    return interaction(gap + car.minimum_gap, car.speed, car)


@kernel
def person_interaction(car: CarRecord, people: Records, half: float) -> float:
    """Return the strongest interaction with people who are on the road in or near the corridor."""
    strongest = 0.0
    for j in range(len(people)):
        person = people[j]
        if person.mode == CROSSING and abs(person.y) < half + 0.5:
            strongest = max(
                strongest,
                obstacle_interaction(
                    car, person.x, person.y, person.half_width, person.half_width, 0.0, YIELD_MARGIN
                ),
            )
    return strongest


@kernel
def decide(
    cars: Records, people: Records, ego: EgoRecord, town: TownRecord, num_people: int, time: float
) -> None:
    """Choose every car's acceleration for the coming decision."""
    half = half_road(town)
    ego_cos, ego_sin = math.cos(ego.yaw), math.sin(ego.yaw)
    for i in range(town.num_cars):
        car = cars[i]
        if car.is_active == 0:
            continue
        turned_cos = abs(ego_cos * car.cos + ego_sin * car.sin)
        turned_sin = abs(ego_sin * car.cos - ego_cos * car.sin)
        strongest = obstacle_interaction(
            car,
            ego.x,
            ego.y,
            ego.half_length * turned_cos + ego.half_width * turned_sin,
            ego.half_length * turned_sin + ego.half_width * turned_cos,
            ego.speed * (ego_cos * car.cos + ego_sin * car.sin),
            CORRIDOR_MARGIN,
        )
        for k in range(town.num_cars):
            other = cars[k]
            if k == i or other.is_active == 0:
                continue
            parallel = abs(other.cos * car.cos + other.sin * car.sin)
            strongest = max(
                strongest,
                obstacle_interaction(
                    car,
                    other.x,
                    other.y,
                    other.half_length * parallel + other.half_width * (1.0 - parallel),
                    other.half_width * parallel + other.half_length * (1.0 - parallel),
                    other.speed * (other.cos * car.cos + other.sin * car.sin),
                    CORRIDOR_MARGIN,
                ),
            )
        strongest = max(strongest, signal_interaction(car, town, time))
        if car.yields_to_people > 0.5:
            strongest = max(strongest, person_interaction(car, people[:num_people], half))
        car.acceleration = follow(car, strongest)


@kernel
def move(car: CarRecord, dt: float) -> None:
    """Integrate one physics step of `dt` s; cars never reverse."""
    before = car.speed
    car.speed = max(before + car.acceleration * dt, 0.0)
    distance = 0.5 * (before + car.speed) * dt
    car.x += distance * car.cos
    car.y += distance * car.sin


@kernel
def has_left(car: CarRecord, ego_x: float, ahead: float, behind: float) -> bool:
    """Tell whether a car is out of the window around the ego (m ahead and behind) and should re-enter."""
    from_ego = car.x - ego_x
    if abs(car.sin) > 0.5:
        return car.y * car.sin > SIDE_ROAD_REACH or from_ego < -behind or from_ego > ahead + 10.0
    return from_ego < -behind - 5.0 or from_ego > ahead + 5.0


@kernel
def place(
    car: CarRecord,
    town: TownRecord,
    ego: EgoRecord,
    slot: tuple[int, int],
    window: tuple[float, float],
    anywhere: bool,
) -> None:
    """Put a car on a drawn lane (own direction, oncoming, side road): anywhere in the window, or at its edge.

    Args:
        car: one record of `CAR`, changed in place.
        town: one record of `TOWN`.
        ego: one record of `EGO`.
        slot: the car's index and the first purpose of its draws.
        window: m ahead of and behind the ego.
        anywhere: at the start of an episode; later cars enter at the edge.
    """
    seed, count, (index, purpose), (ahead, behind) = town.seed, car.entry, slot, window
    lane = math.floor(uniform(seed, CARS, index, count, purpose) * round(town.lanes)) + 0.5
    sideways = lane * town.lane_width
    road = uniform(seed, CARS, index, count, purpose + 1)
    where = uniform(seed, CARS, index, count, purpose + 2)
    turn = 1.0 if uniform(seed, CARS, index, count, purpose + 3) < 0.5 else -1.0
    car.speed = car.desired_speed * 0.8
    if road < 0.35 and town.signals_enabled > 0.5:
        first = math.ceil((ego.x + 10.0) / town.block_length)
        last = max(math.floor((ego.x + ahead) / town.block_length), first)
        number = first + math.floor(where * (last - first + 1.0))
        car.cos, car.sin = 0.0, turn
        car.x = number * town.block_length + turn * sideways
        start = half_road(town) + 15.0 + 30.0 * (where * 7.0 % 1.0) if anywhere else SIDE_ROAD_REACH
        car.y = -turn * start
        return
    is_oncoming = road > 0.7
    car.cos, car.sin = (-1.0 if is_oncoming else 1.0), 0.0
    car.y = sideways if is_oncoming else -sideways
    if anywhere:
        car.x = ego.x - behind + (ahead + behind) * where
        if abs(((car.x / town.block_length + 0.5) % 1.0) - 0.5) * town.block_length < stop_line(town) + 6.0:
            car.x += 2.0 * stop_line(town) + 6.0
    elif is_oncoming or where < 0.6:
        car.x = ego.x + ahead
    else:
        car.x = ego.x - behind


@kernel
def is_free(cars: Records, i: int, ego: EgoRecord) -> bool:
    """Tell whether car i keeps the entry gap to the ego and all others."""
    car = cars[i]
    if abs(car.x - ego.x) < ENTRY_GAP + 4.0 and abs(car.y - ego.y) < 3.0:
        return False
    for k in range(len(cars)):
        other = cars[k]
        if k == i or other.is_active == 0:
            continue
        if abs(car.x - other.x) < ENTRY_GAP and abs(car.y - other.y) < ENTRY_GAP:
            is_parallel = car.cos == other.cos and car.sin == other.sin
            lateral = abs((other.x - car.x) * car.sin - (other.y - car.y) * car.cos)
            if not is_parallel or lateral < 2.5:
                return False
    return True


@kernel
def enter(
    cars: Records,
    i: int,
    town: TownRecord,
    ego: EgoRecord,
    tables: Tables,
    window: tuple[float, float],
    anywhere: bool,
) -> None:
    """Draw car i anew and let it enter where there is room; without room it waits outside."""
    car = cars[i]
    car.is_active = 0
    car.entry += 1
    seed, entry = town.seed, car.entry
    car.desired_speed = draw(tables, CAR_ROWS, seed, CARS, i, entry)
    car.time_headway = draw(tables, CAR_ROWS + 1, seed, CARS, i, entry)
    car.minimum_gap = draw(tables, CAR_ROWS + 2, seed, CARS, i, entry)
    car.max_acceleration = draw(tables, CAR_ROWS + 3, seed, CARS, i, entry)
    car.comfortable_braking = draw(tables, CAR_ROWS + 4, seed, CARS, i, entry)
    car.max_braking = draw(tables, CAR_ROWS + 5, seed, CARS, i, entry)
    car.obeys_signals = draw(tables, CAR_ROWS + 6, seed, CARS, i, entry)
    car.yields_to_people = draw(tables, CAR_ROWS + 7, seed, CARS, i, entry)
    car.half_length = 0.5 * draw(tables, CAR_ROWS + 8, seed, CARS, i, entry)
    car.half_width = 0.5 * draw(tables, CAR_ROWS + 9, seed, CARS, i, entry)
    for attempt in range(_ENTRY_TRIES):
        place(car, town, ego, (i, 100 + 4 * attempt), window, anywhere)
        if is_free(cars[: town.num_cars], i, ego):
            car.is_active = 1
            return


@kernel
def renew(
    cars: Records, town: TownRecord, ego: EgoRecord, tables: Tables, window: tuple[float, float]
) -> None:
    """Let the cars that have left the window, or wait outside, enter again."""
    for i in range(town.num_cars):
        if cars[i].is_active == 0 or has_left(cars[i], ego.x, window[0], window[1]):
            enter(cars, i, town, ego, tables, window, False)
