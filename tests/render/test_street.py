"""What stands beside the road: never on it, the same on each visit, and its signals lit as they should be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from drivesim.render.semantics import SemanticClass
from drivesim.render.street import LIGHT_CAPACITY, STREET_CAPACITY, block_of, put, put_lights, put_street
from drivesim.world.signals import GREEN, YELLOW, light
from tests.towns import SHIPPED, begin, tables, town

LIT = {0: SemanticClass.LIGHT_GREEN, 1: SemanticClass.LIGHT_YELLOW, 2: SemanticClass.LIGHT_RED}
Columns = tuple[Any, Any, Any]
EXTREMES: tuple[dict[str, float], ...] = (
    {"block_length": 400.0, "tree_spacing": 5.0, "lanes": 1.0, "lane_width": 2.5, "sidewalk_width": 1.5},
    {"block_length": 60.0, "lanes": 3.0, "lane_width": 5.0, "sidewalk_width": 10.0, "crosswalk_width": 1.8},
    {"building_height_min": 9.0, "building_height_max": 9.0},
)


def street(record: Any, block: int) -> Columns:
    """Lay out the street around a block: boxes, classes and tones of all prisms."""
    room = STREET_CAPACITY + 1
    boxes, classes, tones = np.full((room, 8), np.nan), np.zeros(room, np.uint8), np.zeros(room, np.uint8)
    end = put_street(boxes, classes, tones, record, block)
    assert end <= STREET_CAPACITY
    assert np.isnan(boxes[end:]).all()
    return boxes[:end], classes[:end], tones[:end]


def lights(record: Any, block: int, time: float) -> Columns:
    """Put up the signals around a block."""
    room = LIGHT_CAPACITY + 1
    boxes, classes, tones = np.zeros((room, 8)), np.zeros(room, np.uint8), np.zeros(room, np.uint8)
    end = put_lights(boxes, classes, tones, 0, record, block, time)
    assert end <= LIGHT_CAPACITY
    return boxes[:end], classes[:end], tones[:end]


def assert_beside_the_roads(record: Any, boxes: Any) -> None:
    """Assert that prisms are well-formed and stand neither on the ego's road nor on a side road."""
    half = float(record["lanes"] * record["lane_width"])
    x, y, half_x, half_y = boxes[:, 0], boxes[:, 1], boxes[:, 4], boxes[:, 5]
    assert np.isfinite(boxes).all()
    assert (half_x > 0.0).all()
    assert (half_y > 0.0).all()
    assert (boxes[:, 6] >= 0.0).all()
    assert (boxes[:, 7] > boxes[:, 6]).all()
    assert (np.abs(y) - half_y >= half).all()
    block = float(record["block_length"])
    to_side_road = np.abs(x - np.floor(x / block + 0.5) * block)
    assert (to_side_road - half_x >= half - 1e-9).all()


@pytest.mark.parametrize("name", SHIPPED)
def test_in_every_scenario_nothing_stands_on_the_road(name: str) -> None:
    for record in begin(tables(name), [0, 1, 2]).town:
        for block in (-3, 0, 4000):
            boxes, classes, _ = street(record, block)
            assert_beside_the_roads(record, boxes)
            assert set(classes) == {SemanticClass.BUILDING, SemanticClass.VEGETATION, SemanticClass.POLE}
            signals, _, _ = lights(record, block, 0.0)
            assert_beside_the_roads(record, signals)


@pytest.mark.parametrize("values", EXTREMES)
def test_the_largest_and_the_narrowest_towns_have_room_too(values: dict[str, float]) -> None:
    boxes, classes, _ = street(town(**values), 7)
    assert_beside_the_roads(town(**values), boxes)
    buildings = boxes[classes == SemanticClass.BUILDING]
    assert (buildings[:, 7] >= 6.0).all()
    assert (buildings[:, 7] <= 24.0).all()


def test_buildings_are_as_tall_as_the_map_says() -> None:
    boxes, classes, tones = street(town(building_height_min=9.0, building_height_max=9.0), 0)
    assert (boxes[classes == SemanticClass.BUILDING, 7] == 9.0).all()
    assert len(np.unique(tones[classes == SemanticClass.BUILDING])) > 10


def test_a_block_looks_the_same_whenever_it_is_visited_and_from_its_neighbour() -> None:
    record = town()
    here, again = street(record, 5), street(record, 5)
    np.testing.assert_array_equal(here[0], again[0])
    boxes, next_boxes = here[0], street(record, 6)[0]
    in_block_6 = boxes[(boxes[:, 0] > 100.0) & (boxes[:, 0] < 200.0)]
    seen_from_6 = next_boxes[(next_boxes[:, 0] > 0.0) & (next_boxes[:, 0] < 100.0)]
    np.testing.assert_allclose(in_block_6 - np.array([100.0, 0, 0, 0, 0, 0, 0, 0]), seen_from_6, atol=1e-9)


def test_blocks_sides_and_towns_differ() -> None:
    def heights(record: Any, block: int, side: float) -> Any:
        boxes, classes, _ = street(record, block)
        return boxes[(classes == SemanticClass.BUILDING) & (boxes[:, 1] * side > 0.0), 7]

    one = heights(town(), 5, 1.0)
    for other in (heights(town(), 9, 1.0), heights(town(), 5, -1.0), heights(town(town_seed=1), 5, 1.0)):
        assert not np.array_equal(one, other)


@pytest.mark.parametrize("time", [5.0, 11.0, 15.0, 40.0])
def test_each_intersections_lamps_show_its_light(time: float) -> None:
    record = town(offset_spread=1.0)
    boxes, classes, _ = lights(record, 20, time)
    shown = 0
    for number in range(-1, 3):
        at = np.abs(boxes[:, 0] - 100.0 * number) < 20.0
        lamps = classes[at & (classes != SemanticClass.POLE)]
        assert lamps.tolist() == [LIT[light(record, 20 + number, False, time)]] * 4
        shown += len(lamps)
    assert shown == 16
    assert light(record, 0, False, 0.0) in (GREEN, YELLOW, 2)


def test_a_lamp_faces_who_approaches_and_a_plate_hides_it_from_behind() -> None:
    boxes, classes, _ = lights(town(), 0, 5.0)
    beyond = (boxes[:, 0] > 0.0) & (boxes[:, 0] < 20.0) & (boxes[:, 1] > 0.0)
    post, lamp, plate = boxes[beyond]
    assert classes[beyond].tolist() == [SemanticClass.POLE, SemanticClass.LIGHT_GREEN, SemanticClass.POLE]
    assert lamp[0] + lamp[4] == pytest.approx(post[0])
    assert plate[0] - plate[4] == pytest.approx(post[0])
    assert plate[5] > lamp[5]
    assert plate[6] < lamp[6]
    assert plate[7] > lamp[7]


def test_a_town_without_signals_has_no_posts() -> None:
    assert len(lights(town(signals_enabled=0.0), 0, 0.0)[0]) == 0


def test_a_prism_spans_its_corners() -> None:
    boxes, classes, tones = np.zeros((2, 8)), np.zeros(2, np.uint8), np.zeros(2, np.uint8)
    assert put(boxes, classes, tones, 1, 7, 60, (1.0, -3.0, 0.5), (2.0, -5.0, 4.0)) == 2
    assert boxes[1].tolist() == [1.5, -4.0, 1.0, 0.0, 0.5, 1.0, 0.5, 4.0]
    assert (classes[1], tones[1]) == (7, 60)


@pytest.mark.parametrize(("x", "block"), [(0.0, 0), (99.9, 0), (100.0, 1), (-0.1, -1)])
def test_a_block_begins_at_its_intersections_centre(x: float, block: int) -> None:
    assert block_of(town(), x) == block
