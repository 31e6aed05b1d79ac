from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from drivesim.render.semantics import SemanticClass
from probes.domains.driving import DrivingSimulation
from probes.domains.town_sketch import ABSENT, Canvas
from tests.probes.domains.sketches import CAR, CROSSING, PERSON, SEGMENTED, drawn, sketch, sketcher


def columns_of(picture: NDArray[np.uint8], semantic: SemanticClass) -> NDArray[np.int64]:
    """The columns (128,) that show a class, of a frame (M, H, W)."""
    return np.flatnonzero((picture[0] == semantic).any(0))


def test_a_person_stands_where_the_numbers_say() -> None:
    # Its near face is 9 m from the camera and ends at columns 64 - 64 (2 +- 0.25) / 9.
    shown = columns_of(
        drawn(sketch(speed=0.0, bodies=[(PERSON, [10.25, 2.0, 0.0, 0.0])]))[-1], SemanticClass.PERSON
    )
    assert (shown[0], shown[-1]) == (48, 51)


def test_speeds_are_relative_to_the_ego_s() -> None:
    still, moving = (
        drawn(sketch(speed=speed, bodies=[(PERSON, [10.25, 0.0, 0.0, 2.0])])) for speed in (0.0, 5.0)
    )
    for frames in (still, moving):
        middles = [columns_of(frame, SemanticClass.PERSON).mean() for frame in frames]
        assert np.diff(middles) == pytest.approx([-64 * 0.2 / 9] * 3, abs=1.0)  # 0.2 m to the left each time
    assert not np.array_equal(still, moving)  # the street passes


def test_whoever_is_absent_is_not_drawn() -> None:
    bodies = [(PERSON, [ABSENT, 0.0, 0.0, 0.0]), (CAR, [ABSENT, 0.0, 0.0, 0.0])]
    np.testing.assert_array_equal(drawn(sketch(bodies=bodies)), drawn(sketch()))


def test_a_car_shows_its_side_when_it_crosses() -> None:
    along, across = (
        len(columns_of(drawn(sketch(bodies=[(body, [15.0, 0.0, 0.0, 0.0])]))[-1], SemanticClass.CAR))
        for body in (CAR, CROSSING)
    )
    assert across > 1.8 * along


def test_several_sets_of_numbers_are_drawn_as_each_alone() -> None:
    one, other = sketch(x=30.0), sketch(x=80.0, speed=9.0)
    both = Canvas(sketcher(), one, 2).draw(np.stack([one.numbers, other.numbers]))
    np.testing.assert_array_equal(both[0], drawn(one))
    np.testing.assert_array_equal(both[1], drawn(other))


def test_a_sketch_is_seen_as_the_simulator_sees_its_town() -> None:
    # An episode's first frame, with everybody in it.
    simulation = DrivingSimulation("empty_road", 1)
    try:
        stored = simulation.reset([3])
        ego = simulation._env.state.ego[0]
        of = sketch(x=float(ego["x"]), speed=0.0)
        of.numbers[1:3] = ego["y"], ego["yaw"]
        np.testing.assert_array_equal(drawn(of)[-1], stored[0, -1])
    finally:
        simulation.close()
    assert SEGMENTED.stored_shape == stored.shape[1:]
