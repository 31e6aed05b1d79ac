from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from drivesim.render.semantics import SemanticClass
from probes.domains.scenes import LIGHTS
from probes.domains.street_library import street_of
from probes.domains.town_reading import Reader
from probes.domains.viewpoint import make_viewpoint
from tests.probes.domains.sketches import CAR, LANE, PERSON, drawn, sketch, sketcher

pytestmark = pytest.mark.slow


@cache
def reader() -> Reader:
    return Reader(sketcher(), make_viewpoint(sketcher().scenario))


def test_a_street_hides_who_moves_and_what_colour_lights_have() -> None:
    picture = np.array([[SemanticClass.ROAD, SemanticClass.CAR], [*LIGHTS[1:]]], np.uint8)
    assert street_of(picture).tolist() == [[int(SemanticClass.ROAD), 255], [int(SemanticClass.LIGHT_RED)] * 2]


@pytest.mark.parametrize("x", [30.4, 120 * 7 + 92.0])
def test_the_place_and_the_speed_are_read_from_the_street(x: float) -> None:
    bodies = [(CAR, [12.0, 0.0, 0.0, 0.0]), (PERSON, [9.0, -3.0, -6.0, 0.0])]
    found = reader().read(drawn(sketch(x=x, speed=6.0, bodies=bodies)))
    assert found.numbers[0] == pytest.approx(x, abs=0.6)
    assert found.numbers[1] == LANE
    assert found.numbers[3] == pytest.approx(6.0, abs=2.0)  # what the place is off shows as speed
    assert found.bodies == ()


@pytest.mark.parametrize("tick", [0, 400, 700, 1000, 1500])
def test_the_light_shows_what_it_is_seen_to(tick: int) -> None:
    wanted = drawn(sketch(x=95.0, speed=0.0, tick=tick))
    found = reader().read(wanted)
    shown = drawn(found)[-1, 0]
    for semantic in LIGHTS:
        assert (shown == semantic).any() == (wanted[-1, 0] == semantic).any()


def test_candidates_stand_where_their_feet_are_and_move_as_they_do() -> None:
    truth = sketch(speed=4.0, bodies=[(PERSON, [8.0, 1.5, -4.0, -1.0]), (CAR, [16.0, 0.0, 1.0, 0.0])])
    empty = sketch(speed=4.0)
    found = reader().candidates(drawn(truth), drawn(empty), empty)
    people = [numbers for body, numbers in found if not body.is_car]
    cars = [numbers for body, numbers in found if body == CAR]
    assert len(people) == 1
    assert people[0][:2] == pytest.approx([8.0, 1.5], abs=0.5)
    assert people[0][3] == pytest.approx(-1.0, abs=0.7)
    assert min(abs(numbers[0] - 16.0) for numbers in cars) < 2.5
    assert all(numbers[1] == 0.0 for numbers in cars)  # a lane's middle


def test_who_is_drawn_already_is_no_candidate() -> None:
    truth = sketch(bodies=[(PERSON, [8.0, 1.5, -5.0, 0.0])])
    assert reader().candidates(drawn(truth), drawn(truth), truth) == []


def test_people_side_by_side_may_be_several() -> None:
    abreast = [(PERSON, [8.0, y, -5.0, 0.0]) for y in (0.5, 1.0, 1.5)]
    found = reader().candidates(drawn(sketch(bodies=abreast)), drawn(sketch()), sketch())
    assert len(found) == 3  # or one alone, who would stand where the second does
