"""People: walk, wait at the kerb, decide, cross, react or not, walk on.

A person lives on the sidewalks of one block of the ego's road and crosses it again and again, each crossing
due a drawn interval after the last was due; how long a person waited does not shift the next one.
Deciding follows gap acceptance with the looking, the gap and the obedience of the person's profile; nobody
steps off where the ego could no longer stop, nor into the flank of a vehicle.
"""

from __future__ import annotations

import math

from drivesim.kernels import kernel
from drivesim.world.crossing_rules import is_clear, stopping_distance, stride
from drivesim.world.parameters import (
    GAP_INTERCEPT,
    GAP_MARGIN,
    GAP_SLOPE,
    HOLDS_PHONE,
    JAYWALK_SHARE,
    KERB_SETBACK,
    LOOK_DISTANCE,
    LOOK_PROBABILITY,
    MIDBLOCK_SHARE,
    OBEYS_SIGNAL,
    PERSON_ROWS,
    PROFILE,
    PROFILES,
    REACTS,
    START_DELAY,
    WALKING_SPEED,
    Tables,
    draw,
    draw_for,
)
from drivesim.world.random import PEOPLE, uniform
from drivesim.world.signals import may_walk, nearest_intersection
from drivesim.world.state import (
    AWAY,
    CROSSING,
    WAITING,
    WALKING,
    EgoRecord,
    PersonRecord,
    Records,
    TownRecord,
)
from drivesim.world.town import CROSSWALK_GAP, half_road, stop_line

KERB_STANCE = 0.35
"""m from the kerb to a waiting person's centre."""
PATIENCE = 15.0
"""s at the kerb after which a person looks for another place."""
PHONE_SLOWING = 1.18
"""Crossing time with a phone over that without; Thompson et al. 2013, for texting."""
N_PROFILE = len(PROFILE)

# Purposes of draws beyond the rows of the tables.
_PROFILE, _SIDE, _X, _DUE, _PLACE, _LOOKS, _OBEYS, _REACTS, _PHONE, _CORNER = range(200, 210)


@kernel
def of_profile(field: int, person: PersonRecord, tables: Tables, index: int, seed: int) -> float:
    """Draw a number of the person's profile; its key leaves the profile out, to keep scenarios paired."""
    row = PROFILES + person.profile * N_PROFILE + field
    return draw_for(tables, row, 300 + field, seed, PEOPLE, index, person.entry)


@kernel
def plan(person: PersonRecord, index: int, town: TownRecord, tables: Tables) -> None:
    """Plan the next crossing: when it is due, where, and whether this time the person looks and obeys."""
    person.trip += 1
    seed, trip = town.seed, person.trip
    count = person.entry * 1000 + trip
    person.due += draw(tables, PERSON_ROWS, seed, PEOPLE, index, count)
    look = of_profile(LOOK_PROBABILITY, person, tables, index, seed)
    obey = of_profile(OBEYS_SIGNAL, person, tables, index, seed)
    person.looks = int(uniform(seed, PEOPLE, index, count, _LOOKS) < look)
    person.obeys_signal = int(uniform(seed, PEOPLE, index, count, _OBEYS) < obey)
    midblock = of_profile(MIDBLOCK_SHARE, person, tables, index, seed)
    jaywalk = of_profile(JAYWALK_SHARE, person, tables, index, seed)
    share = uniform(seed, PEOPLE, index, count, _PLACE)
    block = math.floor(person.x / town.block_length)
    where = uniform(seed, PEOPLE, index, count, _CORNER)
    person.waited, person.started = 0.0, -1.0
    first, last = sidewalk_extent(town)
    if share < jaywalk:
        person.place = 2
        person.goal_x = block * town.block_length + first + (last - first) * where
    elif share < jaywalk + midblock:
        person.place = 1
        person.goal_x = (block + 0.5) * town.block_length + (where - 0.5) * 0.6 * town.crosswalk_width
    else:
        person.place = 0
        corner = 1.0 if person.x / town.block_length - block > 0.5 else 0.0
        inward = half_road(town) + CROSSWALK_GAP + (0.2 + 0.6 * where) * town.crosswalk_width
        person.goal_x = (block + corner) * town.block_length + (inward if corner == 0.0 else -inward)


@kernel
def sidewalk_extent(town: TownRecord) -> tuple[float, float]:
    """Return where, within a block (m from its start), people cross away from intersections."""
    clear = stop_line(town) + 2.0
    return clear, town.block_length - clear


@kernel
def enter(person: PersonRecord, index: int, town: TownRecord, tables: Tables, now: float, x: float) -> None:
    """Draw a person anew and put him on a sidewalk near x (m), at time `now` (s)."""
    person.entry += 1
    person.trip = 0
    seed, entry = town.seed, person.entry
    share = uniform(seed, PEOPLE, index, entry, _PROFILE)
    person.profile = 0
    while person.profile < len(tables.mix) - 1 and share >= tables.mix[person.profile]:
        person.profile += 1
    person.reacts = int(
        uniform(seed, PEOPLE, index, entry, _REACTS) < of_profile(REACTS, person, tables, index, seed)
    )
    phone = of_profile(HOLDS_PHONE, person, tables, index, seed)
    person.holds_phone = int(uniform(seed, PEOPLE, index, entry, _PHONE) < phone)
    person.walking_speed = of_profile(WALKING_SPEED, person, tables, index, seed)
    if person.holds_phone == 1:
        person.walking_speed /= PHONE_SLOWING
    person.look_distance = of_profile(LOOK_DISTANCE, person, tables, index, seed)
    person.start_delay = of_profile(START_DELAY, person, tables, index, seed)
    person.setback = of_profile(KERB_SETBACK, person, tables, index, seed)
    person.half_width = 0.5 * draw(tables, PERSON_ROWS + 1, seed, PEOPLE, index, entry)
    person.height = draw(tables, PERSON_ROWS + 2, seed, PEOPLE, index, entry)
    road = 2.0 * half_road(town)
    wished = of_profile(GAP_SLOPE, person, tables, index, seed) * road
    wished += of_profile(GAP_INTERCEPT, person, tables, index, seed)
    person.accepted_gap = wished + of_profile(GAP_MARGIN, person, tables, index, seed)
    person.side = 1.0 if uniform(seed, PEOPLE, index, entry, _SIDE) < 0.5 else -1.0
    person.mode = WALKING
    person.trigger_time = -1.0
    first, last = sidewalk_extent(town)
    block = math.floor(x / town.block_length)
    person.x = min(max(x, block * town.block_length + first), block * town.block_length + last)
    person.y = person.side * (half_road(town) + person.setback)
    plan(person, index, town, tables)
    interval = draw(tables, PERSON_ROWS, seed, PEOPLE, index, entry)
    person.due = now + interval * uniform(seed, PEOPLE, index, entry, _DUE)


@kernel
def walk(person: PersonRecord, town: TownRecord, now: float, decision: float) -> None:
    """Walk along the sidewalk to the next crossing; when it is due, step up to the kerb and wait there.

    Args:
        person: one record of `PERSON`, changed in place.
        town: one record of `TOWN`.
        now: s.
        decision: s for which the velocity is held; nobody overshoots the goal or the kerb within it.
    """
    person.velocity_x, person.velocity_y = 0.0, 0.0
    to_goal = person.goal_x - person.x
    if abs(to_goal) > 0.3:
        person.velocity_x = math.copysign(min(person.walking_speed, abs(to_goal) / decision), to_goal)
        return
    if now < person.due:
        return
    stance = half_road(town) + KERB_STANCE
    if abs(person.y) > stance + 0.1:
        to_kerb = abs(person.y) - half_road(town)
        person.velocity_y = -person.side * min(person.walking_speed, to_kerb / decision)
        return
    person.y = person.side * stance
    person.mode, person.waited = WAITING, 0.0


@kernel
def wait(
    person: PersonRecord,
    index: int,
    town: TownRecord,
    ego: EgoRecord,
    cars: Records,
    tables: Tables,
    now: float,
) -> None:
    """Decide at the kerb: step off, keep waiting, or lose patience and look for another place."""
    person.velocity_x, person.velocity_y = 0.0, 0.0
    person.waited += tables.physics_dt * tables.substeps
    has_walk, is_signalled = False, person.place == 0 and town.signals_enabled > 0.5
    if is_signalled and person.obeys_signal == 1:
        has_walk = may_walk(town, nearest_intersection(town, person.x), now)
        if not has_walk and person.waited < 3.0 * PATIENCE:
            return
    if person.waited >= person.start_delay and (has_walk or not is_signalled or person.obeys_signal == 0):
        is_checked = not tables.allow_unavoidable
        if is_clear(person, ego, cars, town.num_cars, is_checked, has_walk):
            person.mode, person.started = CROSSING, now
            return
    if person.waited > PATIENCE * (3.0 if is_signalled else 1.0):
        due = person.due
        person.mode = WALKING
        plan(person, index, town, tables)
        person.due = due


@kernel
def wait_for_trigger(person: PersonRecord, ego: EgoRecord, tables: Tables, now: float) -> None:
    """Let a scripted person step off at his time to collision or minimum distance, whichever is farther.

    He decides at the last decision before the ego comes nearer than that, so never too late to be avoided.
    """
    distance = person.x - ego.x - ego.half_length
    speed = max(ego.speed, 0.0)
    before_next = speed * tables.physics_dt * tables.substeps
    if distance < 0.0 or distance - before_next > max(speed * person.trigger_time, person.trigger_distance):
        return
    needed = stopping_distance(speed, ego.top_speed, ego.acceleration, ego.braking)
    if tables.allow_unavoidable or distance >= needed:
        person.mode, person.started = CROSSING, now


@kernel
def decide(
    people: Records, cars: Records, ego: EgoRecord, town: TownRecord, tables: Tables, now: float
) -> None:
    """Choose every person's velocity for the coming decision, at time `now` (s)."""
    for j in range(town.num_people):
        person = people[j]
        if person.mode == WAITING and person.trigger_time >= 0.0:
            wait_for_trigger(person, ego, tables, now)
        elif person.mode == WAITING:
            wait(person, j, town, ego, cars, tables, now)
        elif person.mode == WALKING:
            walk(person, town, now, tables.physics_dt * tables.substeps)
        if person.mode == CROSSING:
            person.velocity_x = 0.0
            person.velocity_y = stride(person, ego, cars, town.num_cars)


@kernel
def move(person: PersonRecord, dt: float) -> None:
    """Integrate one physics step of `dt` s."""
    person.x += person.velocity_x * dt
    person.y += person.velocity_y * dt


@kernel
def arrive(people: Records, town: TownRecord, tables: Tables) -> None:
    """Let those who reached the other side walk on and plan their next crossing; scripted people are done."""
    stance = half_road(town) + KERB_STANCE
    for j in range(town.num_people):
        person = people[j]
        if person.mode == CROSSING and person.y * person.side < -stance:
            person.side = -person.side
            if person.trigger_time >= 0.0:
                person.mode, person.velocity_y = AWAY, 0.0
                continue
            person.mode = WALKING
            plan(person, j, town, tables)


@kernel
def renew(
    people: Records, town: TownRecord, ego: EgoRecord, tables: Tables, window: tuple[float, float], now: float
) -> None:
    """Let the people whom the ego has left behind, or who are too far ahead, enter again, ahead.

    Scripted people cross once, where the scenario put them.
    """
    ahead, behind = window
    for j in range(town.num_people):
        person = people[j]
        from_ego = person.x - ego.x
        is_scripted = person.trigger_time >= 0.0
        if not is_scripted and (from_ego < -behind or from_ego > ahead + 25.0):
            spread = 10.0 * uniform(town.seed, PEOPLE, j, person.entry, _X)
            enter(person, j, town, tables, now, ego.x + ahead + spread)


@kernel
def begin(
    people: Records, town: TownRecord, ego: EgoRecord, tables: Tables, window: tuple[float, float]
) -> None:
    """Place everybody at the start of an episode: scripted people first, others anywhere in the window."""
    ahead, behind = window
    half = half_road(town)
    for j in range(len(people)):
        person = people[j]
        person.mode = AWAY
        if j >= town.num_people:
            continue
        x = ego.x - behind + (ahead + behind) * uniform(town.seed, PEOPLE, j, 0, _X)
        enter(person, j, town, tables, 0.0, x)
        if j < len(tables.triggers):
            trigger = tables.triggers[j]
            person.mode, person.looks, person.reacts, person.holds_phone = WAITING, 0, 0, 0
            person.x = ego.x + trigger[0]
            person.side, person.walking_speed = trigger[1], trigger[4]
            person.y = person.side * (half + KERB_STANCE)
            person.trigger_time, person.trigger_distance = trigger[2], trigger[3]
