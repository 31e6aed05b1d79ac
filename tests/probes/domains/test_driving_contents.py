from __future__ import annotations

import numpy as np
import pytest
from torch import Tensor, nn

from drivesim.render.semantics import SemanticClass
from probes.domains.driving_contents import describe, drawn_again
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


class Eraser(nn.Module):
    """A state model that draws everything but the people right of a column."""

    layout = SEG4

    def __init__(self, column: int) -> None:
        super().__init__()
        self.column = column

    def reconstruct(self, states: Tensor) -> Tensor:
        drawn = states.clone()
        right = drawn[..., self.column :]
        right[:, :, SemanticClass.ROAD] += right[:, :, SemanticClass.PERSON]
        right[:, :, SemanticClass.PERSON] = 0
        return drawn


def test_of_people_near_those_count_whom_a_state_model_draws_again() -> None:
    stored = street(4)
    plane = pictures(stored)
    for k, left in enumerate((56, 60, 70)):  # on the road, before the ego
        put(plane[k], SemanticClass.PERSON, (70, 84), (left, left + 4))
    name = "person within the stopping path"
    for column, kept in ((128, 1.0), (68, 2 / 3), (0, 0.0)):
        told = drawn_again(stored, Eraser(column), viewpoint())  # type: ignore[arg-type]
        assert told[name] is not None
        assert (told[name]["value"], told[name]["n"]) == (pytest.approx(kept), 3)


def test_where_nobody_is_near_nothing_is_said_of_drawing_people_again() -> None:
    told = drawn_again(street(2), Eraser(0), viewpoint())  # type: ignore[arg-type]
    assert set(told.values()) == {None}
