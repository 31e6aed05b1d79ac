"""The prisms of cars and people: sizes, places, owners."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from drivesim.render.actors import BODY_HEIGHT, CABIN_HEIGHT, FIRST_CAR, FIRST_PERSON, put_actors, put_car
from drivesim.render.semantics import SemanticClass
from drivesim.world.state import AWAY, CROSSING
from tests.towns import cars, ego, people, town


def columns(room: int = 20) -> tuple[Any, Any, Any, Any]:
    """Make empty prisms of one world."""
    return np.zeros((room, 8)), np.zeros(room, np.uint8), np.zeros(room, np.uint8), np.zeros(room, np.int16)


def test_a_car_is_a_body_and_a_narrower_cabin_set_back() -> None:
    boxes, classes, tones, owners = columns()
    pose = (10.0, 2.0, math.cos(0.5), math.sin(0.5))
    assert put_car(boxes, classes, tones, owners, 3, pose, (2.25, 0.9), 7) == 5
    np.testing.assert_allclose(boxes[3], [*pose, 2.25, 0.9, 0.15, BODY_HEIGHT])
    back = 0.225
    expected = [10.0 - back * pose[2], 2.0 - back * pose[3], *pose[2:]]
    np.testing.assert_allclose(boxes[4, :4], expected)
    assert boxes[4, 4] < boxes[3, 4]
    assert boxes[4, 5] < boxes[3, 5]
    assert tuple(boxes[4, 6:]) == (BODY_HEIGHT, CABIN_HEIGHT)
    assert classes[3:5].tolist() == [SemanticClass.CAR] * 2
    assert owners[3:5].tolist() == [7, 7]
    assert tones[3] == tones[4] > 0
    assert not boxes[:3].any()


@pytest.mark.parametrize("with_ego", [False, True])
def test_everybody_present_is_drawn_relative_to_the_origin(with_ego: bool) -> None:
    boxes, classes, _, owners = prisms = columns()
    traffic = cars({"x": 1010.0}, {"x": 1020.0, "is_active": 0}, {"x": 1030.0, "cos": 0.0, "sin": 1.0})
    crowd = people({"x": 1005.0}, {"x": 1006.0, "mode": AWAY}, {"x": 1007.0, "mode": CROSSING, "y": 0.0})
    parts = (town(num_cars=3, num_people=3), ego(x=1001.0), traffic, crowd)
    end = put_actors(*prisms, 0, parts, 1000.0, with_ego)
    ours = [0, 0] if with_ego else []
    expected = [*ours, FIRST_CAR, FIRST_CAR, FIRST_CAR + 2, FIRST_CAR + 2, FIRST_PERSON, FIRST_PERSON + 2]
    assert owners[:end].tolist() == expected
    bodies = [0, 2, 4, 5] if not with_ego else [0, 2, 4, 6, 7]
    assert boxes[bodies, 0].tolist() == [*([1.0] if with_ego else []), 10.0, 30.0, 5.0, 7.0]
    is_person = classes[:end] == SemanticClass.PERSON
    assert is_person.sum() == 2
    np.testing.assert_allclose(boxes[:end][is_person][0], [5.0, -3.85, 1.0, 0.0, 0.25, 0.25, 0.0, 1.75])


def test_cars_beyond_the_count_are_not_drawn() -> None:
    prisms = columns()
    parts = (town(num_cars=1, num_people=0), ego(), cars({}, {}), people({}))
    assert put_actors(*prisms, 5, parts, 0.0, False) == 7
