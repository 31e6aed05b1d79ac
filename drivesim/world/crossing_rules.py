"""When a person may step off and when a crossing person pauses or hurries: gap acceptance and courtesy.

The accepted gap grows with the road's width (Zhang 2019); the rule that the ego could still stop makes every
later contact avoidable for who reacts as the person leaves his place, `KERB_STANCE` behind the kerb.
"""

from __future__ import annotations

import math

from drivesim.kernels import kernel
from drivesim.scenario import conflicts
from drivesim.world.state import EgoRecord, PersonRecord, Records

HURRY = 1.6
"""Speed of a reacting person caught in a vehicle's way, over the walking speed."""
FLANK_MARGIN = 0.25
"""m that a person keeps from a vehicle's body."""
PAUSING_TIME = 1.5
"""s of walking to a vehicle's strip from which on a person trusts himself to pause in front of it."""
CLEARING_MARGIN = 0.5
"""s between leaving a vehicle's strip and the vehicle."""

stopping_distance = kernel(conflicts.stopping_distance)


@kernel
def arrival_time(distance: float, speed: float, top_speed: float, acceleration: float) -> float:
    """Return the earliest time (s) at which a vehicle can cover a distance (m) at full throttle."""
    if distance <= 0.0:
        return 0.0
    speed = max(speed, 0.0)
    ramp = max(top_speed - speed, 0.0) / acceleration
    covered = speed * ramp + 0.5 * acceleration * ramp * ramp
    if covered >= distance:
        return (math.sqrt(speed * speed + 2.0 * acceleration * distance) - speed) / acceleration
    return ramp + (distance - covered) / max(top_speed, 0.1)


@kernel
def may_step(
    person: PersonRecord,
    way: tuple[float, float, float],
    strip: tuple[float, float],
    limits: tuple[float, float, float],
    is_checked: bool,
) -> bool:
    """Tell whether a person's rules let him step off with regard to one vehicle.

    Who looks accepts his gap at the vehicle's present speed, and wants to be out of its strip before it could
    come at full throttle, unless he will be able to pause in front of the strip.

    Args:
        person: one record of `PERSON`.
        way: m from the front bumper to the person's path, m from the rear bumper (both negative once passed),
            and the speed toward it, m/s.
        strip: y of the vehicle's centre line and its half width, m.
        limits: the vehicle's top speed (m/s), acceleration and braking (m/s^2).
        is_checked: whether the rule "only if it could still stop" holds.
    """
    front, rear, speed = way
    clearance = person.half_width + FLANK_MARGIN
    if rear < -clearance:
        return True
    if front < clearance:
        return False
    front -= person.half_width
    if is_checked and front < stopping_distance(speed, limits[0], limits[1], limits[2]):
        return False
    if person.looks == 0 or front > person.look_distance:
        return True
    if speed > 0.3 and front / speed < person.accepted_gap:
        return False
    half = strip[1] + person.half_width
    to_strip = abs(strip[0] - person.y) - half
    if person.reacts == 1 and to_strip > PAUSING_TIME * person.walking_speed:
        return True
    cleared = (to_strip + 2.0 * half) / person.walking_speed + CLEARING_MARGIN
    return arrival_time(front, speed, limits[0], limits[1]) >= cleared


@kernel
def is_clear(
    person: PersonRecord, ego: EgoRecord, cars: Records, num_cars: int, is_checked: bool, has_walk: bool
) -> bool:
    """Tell whether the person's rules let him step off with regard to the ego and all cars.

    A person who has a walk signal trusts it instead of judging gaps.
    """
    looks = person.looks
    if has_walk:
        person.looks = 0
    direction = 1.0 if math.cos(ego.yaw) >= 0.0 else -1.0
    ahead = (person.x - ego.x) * direction
    reach = ego.half_length * abs(math.cos(ego.yaw)) + ego.half_width * abs(math.sin(ego.yaw))
    way = (ahead - reach, ahead + reach, ego.speed)
    limits = (ego.top_speed, ego.acceleration, ego.braking)
    clear = may_step(person, way, (ego.y, ego.half_width), limits, is_checked)
    for i in range(num_cars):
        car = cars[i]
        if not clear:
            break
        if car.is_active == 1 and abs(car.sin) < 0.5:
            ahead = (person.x - car.x) * car.cos
            way = (ahead - car.half_length, ahead + car.half_length, car.speed)
            limits = (max(car.desired_speed, car.speed), car.max_acceleration, 0.75 * car.max_braking)
            clear = may_step(person, way, (car.y, car.half_width), limits, True)
    person.looks = looks
    return clear


@kernel
def must_pause(
    person: PersonRecord,
    step_y: float,
    ahead: float,
    half_length: float,
    y: float,
    half_width: float,
    speed: float,
) -> bool:
    """Tell whether one more stride would take a reacting person into a vehicle's way.

    Args:
        person: one record of `PERSON`, crossing.
        step_y: +1 or -1, the direction of the crossing along y.
        ahead: m from the vehicle's centre to the person's path, along its direction.
        half_length, half_width: of the vehicle, m.
        y: of its centre line, m.
        speed: m/s toward the path.
    """
    front, rear = ahead - half_length - person.half_width, ahead + half_length + person.half_width
    to_strip = (y - person.y) * step_y - half_width - person.half_width - 0.4
    strip = 2.0 * (half_width + person.half_width) + 0.8
    if rear < 0.0 or speed < 0.3 or to_strip < -0.1 or to_strip > 1.2:
        return False
    arrives, leaves = front / speed, rear / speed
    enter, exit_ = max(to_strip, 0.0) / person.walking_speed, (to_strip + strip) / person.walking_speed
    return arrives < exit_ + 1.0 and leaves > enter - 0.5


@kernel
def is_in_way(
    person: PersonRecord, ahead: float, half_length: float, y: float, half_width: float, speed: float
) -> bool:
    """Tell whether a crossing person stands in the strip of a vehicle that comes near within 4 s."""
    front = ahead - half_length - person.half_width
    return abs(person.y - y) < half_width + person.half_width + 0.5 and 0.0 < front < 4.0 * max(speed, 1.0)


@kernel
def would_touch(
    person: PersonRecord,
    step_y: float,
    x: float,
    y: float,
    cos: float,
    sin: float,
    half_length: float,
    half_width: float,
) -> bool:
    """Tell whether the next stride ends inside a vehicle's box, widened by the flank margin."""
    margin = person.half_width + FLANK_MARGIN
    next_y = person.y + step_y * person.walking_speed * 0.15
    along = abs((person.x - x) * cos + (next_y - y) * sin)
    across = abs((next_y - y) * cos - (person.x - x) * sin)
    if along > half_length + margin or across > half_width + margin:
        return False
    now = abs((person.y - y) * cos - (person.x - x) * sin)
    return across < now or abs(sin) > 0.7


@kernel
def stride(person: PersonRecord, ego: EgoRecord, cars: Records, num_cars: int) -> float:
    """Return a crossing person's speed along y (m/s): walk, hurry, or pause."""
    step_y = -person.side
    cos, sin = math.cos(ego.yaw), math.sin(ego.yaw)
    if would_touch(person, step_y, ego.x, ego.y, cos, sin, ego.half_length, ego.half_width):
        return 0.0
    pause, hurry = False, False
    direction = 1.0 if cos >= 0.0 else -1.0
    ahead = (person.x - ego.x) * direction
    pause |= must_pause(person, step_y, ahead, ego.half_length, ego.y, ego.half_width, ego.speed)
    hurry |= is_in_way(person, ahead, ego.half_length, ego.y, ego.half_width, ego.speed)
    for i in range(num_cars):
        car = cars[i]
        if car.is_active == 0:
            continue
        if would_touch(person, step_y, car.x, car.y, car.cos, car.sin, car.half_length, car.half_width):
            return 0.0
        if abs(car.sin) < 0.5:
            ahead = (person.x - car.x) * car.cos
            pause |= must_pause(person, step_y, ahead, car.half_length, car.y, car.half_width, car.speed)
            hurry |= is_in_way(person, ahead, car.half_length, car.y, car.half_width, car.speed)
    if person.reacts == 0:
        return step_y * person.walking_speed
    if hurry:
        return step_y * person.walking_speed * HURRY
    return 0.0 if pause else step_y * person.walking_speed
