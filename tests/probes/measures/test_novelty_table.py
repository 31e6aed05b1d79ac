from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from probes.measures.novelty import Novelty, novelty
from probes.measures.novelty_table import (
    Source,
    compare_sources,
    nearest_objectives,
    select,
    shown_beside,
    tell,
    tell_novelty,
)
from probes.states import Plane, StateLayout

LAYOUT = StateLayout((Plane("semantic", "class", 3),), stack=2, height=1, width=4)


class Set:
    """Four states: fitted are all-0, all-1 and one in between; held out is all-2."""

    layout = LAYOUT
    held_out = np.array([False, False, False, True])

    def stored(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        rows = np.array([[0] * 8, [1] * 8, [0] * 6 + [1] * 2, [2] * 8], np.uint8)
        return rows.reshape(4, 2, 1, 1, 4)[indices]


def states(*classes: list[int]) -> NDArray[np.uint8]:
    return np.array(classes, np.uint8).reshape(-1, 2, 1, 1, 4)


NEAR_0, NEAR_1 = [2] + [0] * 7, [1] * 4 + [1, 1, 2, 2]
FOUND = Source(
    "findings",
    states(NEAR_0, NEAR_1),
    np.array([5, 4]),
    np.array([False, True]),
    np.array([3, 0]),
    {"target": "T-"},
)
DRAWN = Source("samples", states(NEAR_1), np.array([0]))
COMPARED = compare_sources({"a": FOUND, "b": DRAWN}, Set())


def test_each_source_gets_its_own_neighbours_the_nearest_first() -> None:
    assert COMPARED["a"].neighbours.tolist() == [[0, 2, 1], [1, 0, 2]]  # of equals the earlier
    # two of 24 entries differ for each pixel that does
    np.testing.assert_allclose(COMPARED["a"].mse, np.array([[1, 3, 8], [2, 8, 8]]) * 2 / 24)
    assert COMPARED["b"].neighbours.tolist() == [[1, 0, 2]]


def test_what_is_compared_is_what_novelty_measures() -> None:
    alone = novelty(FOUND.stored, Set())
    for name, values in vars(alone).items():
        np.testing.assert_array_equal(getattr(COMPARED["a"].novelty, name), values)
    assert COMPARED["a"].novelty.changed_by_range.tolist() == [[0.25, 0.0], [0.0, 0.5]]


def test_table_2_is_told_of_all_states_and_of_those_that_pass() -> None:
    told = tell(FOUND, COMPARED["a"])
    assert (told["kind"], told["target"]) == ("findings", "T-")
    table = told["all"]["range_all_frames"]
    assert table["mean_changed"]["value"] == pytest.approx((0.125 + 0.25) / 2)
    assert {key: one["value"] for key, one in table["more_than"].items()} == {
        "0.1": 1.0,
        "0.2": 0.5,
        "0.3": 0.0,
        "0.5": 0.0,
        "0.7": 0.0,
    }
    assert told["all"]["value_newest"]["mean_changed"]["value"] == 0.25
    assert (told["passed"]["states"], told["passed"]["range_newest"]["mean_changed"]["value"]) == (1, 0.5)
    assert "passed" not in tell(DRAWN, COMPARED["b"])


def test_nothing_is_told_of_passing_states_where_none_passes() -> None:
    none = Source("findings", FOUND.stored, FOUND.places, np.array([False, False]), FOUND.by_objective)
    assert tell(none, COMPARED["a"])["passed"] is None


def test_levels_are_compared_with_the_range_and_with_the_value() -> None:
    of_levels = Novelty(np.array([0]), np.array([0.5]), np.array([[0.1, 0.2]]), np.array([[0.3, 0.6]]))
    told = tell_novelty(of_levels)
    means = {
        name: told[name]["mean_changed"]["value"]
        for name in ("range_all_frames", "range_newest", "value_newest")
    }
    assert means == {"range_all_frames": pytest.approx(0.15), "range_newest": 0.2, "value_newest": 0.6}
    assert told["mse"]["value"] == 0.5


def test_some_states_are_selected_from_every_column() -> None:
    chosen = select(COMPARED["a"].novelty, np.array([False, True]))
    assert (chosen.nearest.tolist(), chosen.changed_by_range.tolist()) == ([1], [[0.0, 0.5]])


def test_the_state_of_the_nearest_objective_is_named_by_its_place_in_the_set() -> None:
    found = nearest_objectives(np.array([0.9, -3.0]), np.array([-1.0, 1.0, 0.0]), np.array([70, 80, 90]))
    assert found.tolist() == [80, 70]


def test_states_are_shown_beside_what_is_nearest_to_them() -> None:
    shown = shown_beside(FOUND, COMPARED["a"], Set(), 1)
    np.testing.assert_array_equal(
        shown[0], np.concatenate([states(NEAR_0), Set().stored(np.array([0, 2, 1, 3]))])
    )
    assert shown_beside(DRAWN, COMPARED["b"], Set(), 8).shape == (1, 4, *LAYOUT.stored_shape)
