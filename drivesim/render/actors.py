"""The prisms of those who move: cars (body and cabin), people, and the ego itself where a view shows it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from drivesim.kernels import kernel
from drivesim.render.semantics import GRAY_LEVELS, SemanticClass
from drivesim.world.state import AWAY, EgoRecord, Records, TownRecord

BODY_HEIGHT, CABIN_HEIGHT = 0.85, 1.45
"""m above the ground, tops of a car's body and cabin."""
GROUND_CLEARANCE = 0.15
"""m under a car's body."""
EGO_OWNER, FIRST_CAR, FIRST_PERSON = 0, 1, 1000
"""`Prisms.owners` of the ego, of car 0 and of person 0."""

_CAR, _PERSON = int(SemanticClass.CAR), int(SemanticClass.PERSON)
_CAR_TONE, _PERSON_TONE = int(GRAY_LEVELS[_CAR]), int(GRAY_LEVELS[_PERSON])


@kernel
def put_turned(
    boxes: NDArray[np.float64],
    i: int,
    pose: tuple[float, float, float, float],
    size: tuple[float, float, float, float],
) -> None:
    """Write prism i: x, y (m), cos and sin of yaw; half length, half width, bottom and top (m)."""
    boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3] = pose
    boxes[i, 4], boxes[i, 5], boxes[i, 6], boxes[i, 7] = size


@kernel
def put_car(
    boxes: NDArray[np.float64],
    classes: NDArray[np.uint8],
    tones: NDArray[np.uint8],
    owners: NDArray[np.int16],
    i: int,
    pose: tuple[float, float, float, float],
    half: tuple[float, float],
    owner: int,
) -> int:
    """Write a car's body and cabin; return the next index."""
    x, y, cos, sin = pose
    put_turned(boxes, i, pose, (half[0], half[1], GROUND_CLEARANCE, BODY_HEIGHT))
    back = 0.1 * half[0]
    cabin = (x - back * cos, y - back * sin, cos, sin)
    put_turned(boxes, i + 1, cabin, (0.55 * half[0], 0.9 * half[1], BODY_HEIGHT, CABIN_HEIGHT))
    for k in range(i, i + 2):
        classes[k], owners[k] = _CAR, owner
        tones[k] = _CAR_TONE + 12 * (owner % 5)
    return i + 2


@kernel
def put_actors(
    boxes: NDArray[np.float64],
    classes: NDArray[np.uint8],
    tones: NDArray[np.uint8],
    owners: NDArray[np.int16],
    i: int,
    parts: tuple[TownRecord, EgoRecord, Records, Records],
    origin: float,
    with_ego: bool,
) -> int:
    """Write everybody of one world, x relative to `origin` (m); return the next index.

    Args:
        boxes, classes, tones, owners: the prisms' columns of one world.
        i: where to write.
        parts: the records of the town, the ego, the cars and the people.
        origin: m, subtracted from every x.
        with_ego: whether the ego is drawn.
    """
    town, ego, cars, people = parts
    if with_ego:
        pose = (ego.x - origin, ego.y, math.cos(ego.yaw), math.sin(ego.yaw))
        half = (ego.half_length, ego.half_width)
        i = put_car(boxes, classes, tones, owners, i, pose, half, EGO_OWNER)
    for k in range(town.num_cars):
        car = cars[k]
        if car.is_active == 1:
            pose, half = (car.x - origin, car.y, car.cos, car.sin), (car.half_length, car.half_width)
            i = put_car(boxes, classes, tones, owners, i, pose, half, FIRST_CAR + k)
    for k in range(town.num_people):
        person = people[k]
        if person.mode != AWAY:
            size = (person.half_width, person.half_width, 0.0, person.height)
            put_turned(boxes, i, (person.x - origin, person.y, 1.0, 0.0), size)
            classes[i], tones[i], owners[i] = _PERSON, _PERSON_TONE, FIRST_PERSON + k
            i += 1
    return i
