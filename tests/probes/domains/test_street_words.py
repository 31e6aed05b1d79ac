from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drivesim.render.actors import GROUND_CLEARANCE
from drivesim.render.semantics import SemanticClass
from probes.domains.street_words import distance_to_car, in_words, street_things, what_sets_apart
from probes.domains.viewpoint import ground_position
from tests.probes.domains.drawings import SEG4, pictures, put, street, viewpoint

CAR, PERSON, RED = SemanticClass.CAR, SemanticClass.PERSON, SemanticClass.LIGHT_RED
MIDDLE, LEFT, RIGHT = (58, 69), (10, 20), (107, 117)


def seen(stored: NDArray[np.uint8]) -> set[str]:
    return {name for name, where in street_things(stored, SEG4, viewpoint()).items() if where[0]}


def test_an_empty_street_is_free() -> None:
    assert seen(street()) == {"free road"}


def test_who_is_near_beside_the_road_is_told_with_the_side() -> None:
    for semantic, name in ((CAR, "car"), (PERSON, "person")):
        for columns, side in ((LEFT, "left"), (RIGHT, "right")):
            stored = street()
            put(pictures(stored), semantic, (60, 75), columns)
            assert f"{name} near on the {side}" in seen(stored)
            assert len({thing for thing in seen(stored) if "near on" in thing}) == 1


def test_who_is_far_is_not_near() -> None:
    stored = street()
    put(pictures(stored), PERSON, (60, 66), LEFT)  # 2.5 rows below the horizon: beyond 30 m
    assert seen(stored) == {"free road"}


def test_the_distance_is_that_of_the_nearest_cars_foot() -> None:
    stored = street(2)
    put(pictures(stored)[0], CAR, (60, 70), MIDDLE)
    put(pictures(stored)[0], CAR, (60, 80), (64, 66))
    row, column = np.array([81.0]), np.array([64.5])
    expected, _ = ground_position(viewpoint(), row, column, GROUND_CLEARANCE)
    found = distance_to_car(stored, SEG4, viewpoint())
    np.testing.assert_allclose(found[0], expected[0])
    assert found[1] == np.inf


def test_what_sets_a_cluster_apart_is_shown_half_as_often_again_or_less() -> None:
    things = {
        "a little": np.array([1, 1, 1, 0, 1, 0, 1, 0], np.bool_),  # 3 of 4 beside 2 of 4
        "half more": np.array([1, 1, 1, 1, 1, 0, 1, 0], np.bool_),
        "never": np.array([0, 0, 0, 0, 1, 1, 1, 1], np.bool_),
    }
    members = np.arange(8) < 4
    assert what_sets_apart(things, members) == ["no never", "half more"]
    assert what_sets_apart(things, ~members) == ["never", "no half more"]
    assert what_sets_apart(things, np.ones(8, np.bool_)) == []


def test_a_cluster_is_told_in_words() -> None:
    stored = street(4)
    put(pictures(stored), RED, (20, 25), (90, 95))  # in all
    put(pictures(stored)[:2], CAR, (60, 80), MIDDLE)
    first = np.array([True, True, False, False])
    at = distance_to_car(stored, SEG4, viewpoint())[0]
    told = in_words(stored, [first, ~first], SEG4, viewpoint())
    assert told == [f"car ahead at {at:.0f} m; also red light", "no car ahead; also red light"]
    assert in_words(stored, [np.ones(4, np.bool_)], SEG4, viewpoint()) == ["like the others: red light"]
