from __future__ import annotations

import numpy as np
import pytest

from drivesim.scenario.loader import load
from probes.domains.driving_moments import Moment, moment_of_sketch, seen, without_people
from probes.domains.town_sketch import ABSENT, Canvas
from tests.probes.domains.sketches import CAR, CROSSING, PERSON, drawn, sketch, sketcher
from tests.towns import begin, tables

SEEN = sketch(
    x=40.0,
    speed=5.0,
    tick=300,
    bodies=[
        (PERSON, [9.0, 1.0, -5.0, -1.2]),
        (CAR, [18.0, 0.0, 0.5, 0.0]),
        (CROSSING, [25.0, 6.0, -5.0, 4.0]),
    ],
)


def moment() -> Moment:
    return moment_of_sketch(sketcher(), SEEN, "seen")


def test_a_sketch_becomes_a_town_of_those_who_are_seen() -> None:
    found = moment().towns
    assert (found.cars.shape, found.people.shape) == ((1, 2), (1, 1))
    assert found.ego["x"][0] == moment().x == 40.0
    assert found.town["tick"][0] == 300
    assert found.cars["x"][0].tolist() == [58.0, 65.0]
    assert found.cars["y"][0].tolist() == pytest.approx([-1.75, 4.25])
    assert found.cars["speed"][0].tolist() == pytest.approx([5.5, 4.0])  # the ego's and what they gain on it
    assert (found.people["x"][0, 0], found.people["y"][0, 0]) == (49.0, -0.75)
    assert found.people["velocity_y"][0, 0] == pytest.approx(-1.2)
    assert found.people["velocity_x"][0, 0] == pytest.approx(0.0)


def test_a_moment_looks_as_its_sketch_does() -> None:
    assert np.array_equal(moment().frames, drawn(SEEN))


def test_without_people_all_else_looks_the_same() -> None:
    numbers = SEEN.numbers.copy()
    numbers[4] = ABSENT
    empty = Canvas(sketcher(), SEEN, 1).draw(numbers[None])[0]
    found = without_people(moment(), load("reasonable"))
    assert found.towns.people.shape == (1, 0)
    assert np.array_equal(found.frames, empty)
    assert not np.array_equal(found.frames, moment().frames)


def test_who_is_behind_or_hidden_is_not_seen() -> None:
    state = begin(tables(), [7])
    state.cars["is_active"] = 0
    ego = state.ego[0]
    for k, ahead in enumerate((10.0, -10.0, 30.0)):
        state.people[0, k]["x"], state.people[0, k]["y"] = ego["x"] + ahead, ego["y"]
    car = state.cars[0, 0]  # between the ego and the third
    car["is_active"], car["x"], car["y"] = 1, ego["x"] + 20.0, ego["y"]
    car["cos"], car["sin"] = 1.0, 0.0
    state.people[0, 2]["height"] = 0.8
    cars, people = seen(state, load("reasonable"))
    assert cars[0, 0]
    assert people[0, :3].tolist() == [True, False, False]
