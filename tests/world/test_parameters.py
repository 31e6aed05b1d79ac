"""Tables of a scenario: what is drawn, from where, and what a draw depends on."""

from __future__ import annotations

import numpy as np
import pytest

from drivesim.world.parameters import (
    CAR,
    CAR_ROWS,
    CROWD_ROWS,
    EGO_ROWS,
    PERSON,
    PERSON_ROWS,
    PROFILE,
    PROFILES,
    TOWN_ROWS,
    TRAFFIC,
    TRAFFIC_ROWS,
    WALKING_SPEED,
    Tables,
    compile_tables,
    draw,
    draw_for,
    draw_rows,
)
from drivesim.world.random import CARS, WORLD
from tests.towns import SHIPPED, changed, scenario, tables


def drawn(compiled: Tables, row: int, count: int = 2000) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Draw one row for many indices."""
    return np.array([draw(compiled, row, 0, CARS, i, 0) for i in range(count)])


def test_a_constant_is_what_the_scenario_says() -> None:
    compiled = tables()
    assert draw(compiled, TOWN_ROWS, 3, WORLD, 0, 0) == 120.0
    assert draw(compiled, EGO_ROWS + 4, 3, WORLD, 0, 0) == 11.2
    assert draw(compiled, TRAFFIC_ROWS, 3, WORLD, 0, 0) == 8.0
    assert draw(compiled, CROWD_ROWS, 3, WORLD, 0, 0) == 32.0
    assert draw(compiled, CAR_ROWS + CAR.index("minimum_gap"), 3, WORLD, 0, 0) == 2.0
    assert draw(compiled, PERSON_ROWS + PERSON.index("body_width"), 3, WORLD, 0, 0) == 0.5
    assert draw(compiled, PROFILES + PROFILE.index("gap_slope"), 3, WORLD, 0, 0) == 1.06


def test_a_uniform_is_drawn_between_its_ends() -> None:
    numbers = drawn(tables(), EGO_ROWS + 3)
    assert numbers.min() >= 0.0
    assert numbers.max() <= 8.0
    assert numbers.mean() == pytest.approx(4.0, abs=0.26)


def test_a_normal_has_its_moments_and_is_cut_at_three_deviations() -> None:
    numbers = drawn(tables(), PROFILES + WALKING_SPEED, 5000)
    assert numbers.mean() == pytest.approx(1.34, abs=0.02)
    assert numbers.std() == pytest.approx(0.26, abs=0.015)
    assert numbers.min() >= 1.34 - 3.0 * 0.26 - 1e-9
    assert numbers.max() <= 1.34 + 3.0 * 0.26 + 1e-9


def test_a_choice_takes_each_value_alike() -> None:
    numbers = drawn(tables("dense_traffic"), CROWD_ROWS)
    values, counts = np.unique(numbers, return_counts=True)
    assert values.tolist() == [12.0, 16.0, 20.0]
    assert counts.min() > 550


def test_the_same_key_gives_the_same_quantile_whatever_is_drawn() -> None:
    compiled = compile_tables(changed("reasonable", ego={"start_speed": {"uniform": [2.0, 4.0]}}))
    for index in range(20):
        before = draw(tables(), EGO_ROWS + 3, 5, CARS, index, 0) / 8.0
        assert draw(compiled, EGO_ROWS + 3, 5, CARS, index, 0) == pytest.approx(2.0 + 2.0 * before)


def test_the_key_of_a_profiles_number_leaves_the_profile_out() -> None:
    compiled = tables("mixed_field")
    first, second = PROFILES + WALKING_SPEED, PROFILES + len(PROFILE) + WALKING_SPEED
    for index in range(20):
        numbers = {draw_for(compiled, row, 300, 5, CARS, index, 0) for row in (first, second)}
        assert len(numbers) == 1


def test_rows_are_drawn_one_after_another() -> None:
    out = np.empty(4)
    draw_rows(out, tables(), EGO_ROWS, 1, CARS, 2, 3)
    assert out.tolist() == [draw(tables(), EGO_ROWS + i, 1, CARS, 2, 3) for i in range(4)]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_scenario_has_room_for_the_most_it_can_draw(name: str) -> None:
    compiled = tables(name)
    rows = PROFILES + len(PROFILE) * len(scenario(name).pedestrians.mix)
    assert compiled.rows.shape == (rows, 22)
    assert drawn(compiled, TRAFFIC_ROWS, 300).max() <= compiled.capacity_cars
    people = drawn(compiled, CROWD_ROWS, 300).max() + len(scenario(name).triggers)
    assert people <= compiled.capacity_people
    assert len(TRAFFIC) == 3
    assert compiled.mix[-1] == pytest.approx(1.0)
    assert compiled.physics_dt * compiled.substeps == pytest.approx(0.1)


def test_shares_of_profiles_add_up() -> None:
    np.testing.assert_allclose(tables("mixed_field").mix, [0.702, 0.927, 1.0])


def test_triggers_are_position_side_time_distance_and_speed() -> None:
    expected = [[45.0, -1.0, 2.0, 8.0, 1.5], [145.0, 1.0, 2.5, 8.0, 1.2]]
    assert tables("crossing_trigger").triggers.tolist() == expected
    assert tables().triggers.shape == (0, 5)
