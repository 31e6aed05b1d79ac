from __future__ import annotations

import numpy as np
import pytest

from drivesim.render.semantics import SemanticClass
from probes.domains.driving_contents import describe
from tests.probes.domains.drawings import SEG4, pictures, put, street, viewpoint

COAST, BRAKE = 0, 2


def test_braking_is_counted_where_the_road_is_free() -> None:
    stored = street(4)
    plane = pictures(stored)
    put(plane[1], SemanticClass.CAR, (60, 75), (58, 69))  # ahead, and so in the way
    put(plane[2], SemanticClass.LIGHT_GREEN, (40, 46), (90, 93))  # asks for nothing
    told = describe(stored, np.array([BRAKE, BRAKE, COAST, COAST]), BRAKE, SEG4, viewpoint())
    assert told is not None
    assert told["states"] == 4
    assert told["shows"]["car ahead"]["value"] == 0.25
    assert (told["shows"]["light"]["value"], told["shows"]["light red"]["value"]) == (0.25, 0.0)
    assert (told["road_free"]["value"], told["road_free"]["n"]) == (0.75, 4)
    assert told["brakes"]["value"] == 0.5
    assert told["brakes_on_free_road"]["value"] == pytest.approx(1 / 3)
    assert told["brakes_on_free_road"]["n"] == 3


@pytest.mark.parametrize("light", [SemanticClass.LIGHT_RED, SemanticClass.LIGHT_YELLOW])
def test_where_no_road_is_free_nothing_is_said_of_braking_there(light: SemanticClass) -> None:
    stored = street(1)
    put(pictures(stored)[0], light, (40, 46), (90, 93))
    told = describe(stored, np.array([BRAKE]), BRAKE, SEG4, viewpoint())
    assert told is not None
    assert told["road_free"]["value"] == 0.0
    assert told["brakes"]["value"] == 1.0
    assert told["brakes_on_free_road"] is None


def test_nothing_is_said_of_no_states() -> None:
    assert describe(street(0), np.zeros(0, np.int64), BRAKE, SEG4, viewpoint()) is None
