"""The state: plain arrays that are copied, selected and restored."""

from __future__ import annotations

import numpy as np
import pytest

from drivesim.world.parameters import EGO_BODY, TOWN_MAP, TOWN_SIGNALS
from drivesim.world.state import (
    EGO,
    NUM_TOWN_NUMBERS,
    PERSON,
    TOWN,
    EgoRecord,
    TownState,
    empty_state,
    record_type,
    town_numbers,
    trailing_numbers,
)
from tests.towns import begin, tables


def equal(a: TownState, b: TownState) -> bool:
    """Tell whether two states are equal bit for bit."""
    one, two = a.plain_arrays(), b.plain_arrays()
    return one.keys() == two.keys() and all(np.array_equal(one[name], two[name]) for name in one)


def test_a_record_holds_8_bytes_for_each_field_in_the_order_declared() -> None:
    assert EGO.names is not None
    assert list(EGO.names) == list(EgoRecord.__annotations__)
    assert record_type(EgoRecord) == EGO
    assert EGO.itemsize == 8 * len(EGO.names)
    assert PERSON["mode"] == np.int64
    assert PERSON["x"] == np.float64


def test_the_trailing_fields_are_those_that_a_scenario_draws_in_its_order() -> None:
    assert TOWN.names is not None
    assert EGO.names is not None
    drawn = [*TOWN_MAP, "signals_enabled", *TOWN_SIGNALS[1:]]
    assert list(TOWN.names[-len(drawn) :]) == drawn
    assert len(drawn) == NUM_TOWN_NUMBERS
    body = [name if name not in ("length", "width") else f"half_{name}" for name in EGO_BODY]
    assert list(EGO.names[-len(body) :]) == body


def test_trailing_numbers_are_a_view() -> None:
    state = empty_state(2, 0, 0)
    town_numbers(state)[1, 0] = 90.0
    assert state.town["block_length"].tolist() == [0.0, 90.0]
    trailing_numbers(state.ego, "max_lateral_acceleration")[0, 0] = 4.0
    assert state.ego["max_lateral_acceleration"].tolist() == [4.0, 0.0]


def test_a_copy_shares_no_memory() -> None:
    state = begin(tables(), [1, 2])
    copy = state.copy()
    assert equal(copy, state)
    state.people["x"] += 1.0
    state.town["tick"] += 1
    assert not equal(copy, state)
    assert equal(copy, begin(tables(), [1, 2]))


def test_worlds_are_selected_in_the_order_given() -> None:
    state = begin(tables(), [1, 2, 3])
    chosen = state.select(np.array([2, 0]))
    assert len(chosen) == 2
    assert chosen.town["seed"].tolist() == [3, 1]
    assert equal(chosen, begin(tables(), [3, 1]))
    assert equal(state.select(np.array([False, True, False])), begin(tables(), [2]))


def test_some_worlds_can_be_restored_and_the_others_stay() -> None:
    state = begin(tables(), [1, 2, 3])
    state.restore(begin(tables(), [9]), np.array([1]))
    assert equal(state, begin(tables(), [1, 9, 3]))


def test_a_snapshot_of_other_capacities_is_refused() -> None:
    with pytest.raises(ValueError, match="snapshot field 'cars'"):
        empty_state(1, 2, 3).restore(empty_state(1, 1, 3))


def test_plain_arrays_are_views_of_what_holds_anything() -> None:
    state = empty_state(2, 0, 3)
    arrays = state.plain_arrays()
    assert set(arrays) == {"town", "ego", "people"}
    arrays["town"][...] = 255
    assert state.town["tick"].tolist() == [-1, -1]
