"""The ground's classes at hand-picked points, their period, and the class map."""

from __future__ import annotations

import numpy as np
import pytest

from drivesim.render.semantics import SemanticClass
from drivesim.world.town import (
    GEOMETRY,
    MAP_CELLS,
    class_map,
    fold,
    ground_class,
    half_road,
    lane_offset,
    stop_line,
)
from tests.towns import SHIPPED, begin, tables, town

ROAD, LINE = SemanticClass.ROAD, SemanticClass.LANE_MARKING
CROSSWALK, SIDEWALK = SemanticClass.CROSSWALK, SemanticClass.SIDEWALK
GRASS = SemanticClass.VEGETATION


def test_a_road_of_one_lane_of_3_5_m_ends_3_5_m_from_its_centre() -> None:
    assert half_road(town()) == 3.5
    assert half_road(town(lanes=2.0, lane_width=3.0)) == 6.0


def test_cars_stop_1_m_before_the_crosswalk_which_lies_1_m_before_the_intersection() -> None:
    assert stop_line(town()) == 3.5 + 1.0 + 3.0 + 1.0


@pytest.mark.parametrize(("value", "folded"), [(3.0, 3.0), (97.0, -3.0), (-3.0, -3.0), (-97.0, 3.0)])
def test_folding_gives_the_signed_distance_to_the_nearest_multiple(value: float, folded: float) -> None:
    assert fold(value, 100.0) == folded


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (0.0, 0.0, ROAD),  # an intersection's middle
        (4.0, 0.3, ROAD),  # between intersection and crosswalk
        (5.0, 0.3, CROSSWALK),  # a stripe, 4.5 to 7.5 m from the middle
        (5.0, 0.9, ROAD),  # between two stripes
        (-7.4, 1.5, CROSSWALK),  # the third stripe, from 1.2 to 1.8 m, before the intersection
        (91.25, -1.75, LINE),  # the stop line of who comes along +x
        (8.75, -1.75, ROAD),  # who leaves the intersection has none
        (8.75, 1.75, LINE),  # the stop line of who comes along -x
        (30.0, 0.1, LINE),  # the road's centre line
        (30.0, -1.75, ROAD),
        (50.0, -0.9, CROSSWALK),  # mid-block, 48.5 to 51.5 m
        (52.0, -0.9, ROAD),
        (30.0, 5.0, SIDEWALK),
        (30.0, -6.4, SIDEWALK),
        (30.0, 6.6, GRASS),
        (5.0, 5.0, SIDEWALK),  # a corner
        (0.1, 30.0, LINE),  # the centre line of a side road
        (1.75, 30.0, ROAD),
        (1.75, -8.75, LINE),  # its stop line, of who comes along +y and keeps right
        (-1.75, -8.75, ROAD),
        (-0.3, 5.0, CROSSWALK),
        (1.75, 50.0, ROAD),  # just between two stripes of its mid-block crosswalk
        (2.0, 50.0, CROSSWALK),
        (2.7, 50.0, ROAD),
    ],
)
def test_hand_picked_points_have_their_class(x: float, y: float, expected: SemanticClass) -> None:
    assert ground_class(x, y, town()) == expected


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [(28.0, -3.5, LINE), (31.0, -3.5, ROAD), (28.0, 3.5, LINE), (28.0, -3.3, ROAD), (28.0, -8.0, SIDEWALK)],
)
def test_lanes_of_one_direction_are_parted_by_dashes(x: float, y: float, expected: SemanticClass) -> None:
    assert ground_class(x, y, town(lanes=2.0)) == expected


def test_a_town_may_do_without_crosswalks() -> None:
    bare = town(intersection_crosswalks=0.0, midblock_crosswalks=0.0)
    assert ground_class(5.0, 0.3, bare) == ROAD
    assert ground_class(50.0, -0.9, bare) == ROAD


def test_the_ground_repeats_with_the_block() -> None:
    rng = np.random.default_rng(0)
    record = town()
    for x, y in rng.uniform(0.0, 100.0, (300, 2)):
        i, j = rng.integers(-50, 50, 2)
        assert ground_class(x, y, record) == ground_class(x + 100.0 * i, y + 100.0 * j, record)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_scenarios_class_map_shows_the_ground_at_its_cells_middle(name: str) -> None:
    record = begin(tables(name), [0]).town[0]
    drawn = class_map(record)
    cell = float(record["block_length"]) / MAP_CELLS
    rng = np.random.default_rng(1)
    for ix, iy in rng.integers(0, MAP_CELLS, (300, 2)):
        assert drawn[iy, ix] == ground_class((ix + 0.5) * cell, (iy + 0.5) * cell, record)
    assert set(np.unique(drawn)) == {ROAD, LINE, CROSSWALK, SIDEWALK, GRASS}


def test_a_class_map_is_read_only_and_shared_by_towns_of_one_geometry() -> None:
    state = begin(tables(), [0, 1])
    first, second = class_map(state.town[0]), class_map(state.town[1])
    assert first is second
    assert not first.flags.writeable
    assert state.town[0]["seed"] != state.town[1]["seed"]


def test_only_the_geometry_changes_a_class_map() -> None:
    record = town()
    drawn = class_map(record)
    record["green"] = 99.0
    assert class_map(record) is drawn
    record["sidewalk_width"] = 4.0
    assert (class_map(record) != drawn).any()
    assert set(GEOMETRY) < set(record.dtype.names)


@pytest.mark.parametrize(
    ("y", "lanes", "offset"),
    [(-1.75, 1.0, 0.0), (-1.25, 1.0, 0.5), (1.0, 1.0, 2.75), (-5.25, 2.0, 0.0), (-3.6, 2.0, 1.65)],
)
def test_the_lane_offset_is_signed_and_counts_from_the_nearest_right_hand_lane(
    y: float, lanes: float, offset: float
) -> None:
    assert lane_offset(town(lanes=lanes), y) == pytest.approx(offset)
