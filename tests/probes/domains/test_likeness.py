from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from drivesim.render.semantics import NUM_CLASSES, SemanticClass
from probes.domains.likeness import Wanted, find_things, pieces_of
from probes.states import Plane, StateLayout

LAYOUT = StateLayout((Plane("depth", "level"), Plane("semantic", "class", NUM_CLASSES)), 1, 8, 8)
CAR, ROAD = int(SemanticClass.CAR), int(SemanticClass.ROAD)


def state(columns: slice = slice(2, 5), depth: int = 100) -> NDArray[np.uint8]:
    """A car of 3 rows on a road, (T, M, H, W)."""
    stored = np.full(LAYOUT.stored_shape, depth, np.uint8)
    stored[:, 1] = ROAD
    stored[:, 1, 3:6, columns] = CAR
    return stored


def test_the_same_picture_costs_nothing() -> None:
    assert Wanted(state(), LAYOUT).cost(state()[None]).tolist() == [0.0]


def test_pixels_things_and_levels_cost() -> None:
    # A column of 3 too many: 3 of 64 pixels; of cars 9 are shared of 12; levels are 51 of 255 off.
    found = Wanted(state(), LAYOUT).cost(state(slice(2, 6), depth=151)[None])
    assert found == pytest.approx([3 / 64 + 0.2 * (1 - 9 / 12) + 0.2 * (1 - 9 / 12) + 0.5 * 51 / 255])


def test_within_a_region_nothing_else_counts() -> None:
    wanted = Wanted(state(), LAYOUT)
    region = np.zeros((1, 8, 8), np.bool_)
    region[:, 3:6, 4:6] = True  # of 6 pixels 3 are the column too many
    assert wanted.cost_within(state(slice(2, 6))[None], region).tolist() == [0.5]
    assert wanted.cost_within(state(depth=102)[None], region).tolist() == [2 / 8]
    assert wanted.cost_within(state(depth=200)[None], region).tolist() == [1.0]
    assert wanted.cost_within(state(slice(0, 8))[None], np.zeros_like(region)).tolist() == [0.0]


def test_pieces_are_connected_and_of_three_pixels_or_more() -> None:
    picture = state()[0, 1].copy()
    picture[0, :2] = CAR
    assert [int(piece.mask.sum()) for piece in pieces_of(picture)] == [9]
    picture[0, :3] = CAR
    assert sorted(int(piece.mask.sum()) for piece in pieces_of(picture)) == [3, 9]


def test_things_are_told_with_how_much_of_them_is_found() -> None:
    (thing,) = find_things(state(), state(slice(2, 6)), LAYOUT)
    assert (thing.semantic, thing.area) == (CAR, 9)
    assert thing.overlap == pytest.approx(9 / 12)
    assert find_things(state(), state(slice(0, 0)), LAYOUT)[0].overlap == 0.0


def test_a_piece_beside_another_of_its_kind_is_judged_alone() -> None:
    # A pole one pixel wide hides the middle of a car: its left part has 3 pixels, its right part 9.
    pair = state(slice(1, 6))
    pair[:, 1, 3:6, 2] = int(SemanticClass.POLE)
    things = find_things(pair, pair, LAYOUT)
    assert [(thing.area, thing.overlap) for thing in things] == [(3, 1.0), (9, 1.0)]
    assert Wanted(pair, LAYOUT).cost(pair[None]).tolist() == [0.0]
    without_left = pair.copy()
    without_left[:, 1, 3:6, 1] = ROAD
    assert [thing.overlap for thing in find_things(pair, without_left, LAYOUT)] == [0.0, 1.0]


def test_within_a_region_a_whole_piece_counts_by_its_overlap() -> None:
    wanted = Wanted(state(), LAYOUT)
    region = np.zeros((1, 8, 8), np.bool_)
    region[:, 3:6, 2:6] = True
    # One column of four differs; of the piece 9 pixels are shared of 12.
    found = wanted.cost_within(state(slice(2, 6))[None], region)
    assert found == pytest.approx([1 / 4 + 0.5 * (1 - 9 / 12)])


def test_a_piece_tells_its_rows_and_columns() -> None:
    (piece,) = pieces_of(state()[0, 1])
    assert piece.extent == (3, 6, 2, 5)


def test_pieces_that_are_drawn_too_little_are_missing() -> None:
    wanted = Wanted(state(), LAYOUT)
    assert wanted.missing(state()[None], [SemanticClass.CAR]) == []
    gone = state(slice(0, 0))
    assert [piece.extent for piece in wanted.missing(gone[None], [SemanticClass.CAR])] == [(3, 6, 2, 5)]
    assert wanted.missing(gone[None], [SemanticClass.PERSON]) == []
