"""What sections must not say together; numbers computed by hand."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from drivesim.scenario.conflicts import stopping_distance, trigger_shortfall
from drivesim.scenario.schema import Ego, Scenario, Trigger


def conflicts(**sections: Any) -> list[str]:
    """Return the first field and the message of each conflict."""
    try:
        Scenario.model_validate({"name": "x", **sections})
    except ValidationError as error:
        found = error.errors()[0]["ctx"]["conflicts"]
        return [f"{'.'.join(map(str, c.paths[0]))}: {c.message}" for c in found]
    return []


def test_physics_steps_fill_a_decision() -> None:
    (found,) = conflicts(sim={"physics_hz": 65})
    assert found == "sim.physics_hz: found 65; allowed: a multiple of sim.decision_hz, 10"


def test_a_lawful_walker_is_not_stranded() -> None:
    # 7 + 7 / 1.07 = 13.54 s must fit into green + yellow + all-red.
    assert conflicts(signals={"green": 9.55}) == []
    (found,) = conflicts(signals={"green": 9.53})
    assert "13.54 s for 7 m" in found


def test_the_widest_road_and_the_shortest_green_count() -> None:
    # 7 + 14 / 1.07 = 20.08 s.
    assert "20.08 s for 14 m" in conflicts(map={"lanes": {"choice": [1, 2]}})[0]
    assert conflicts(signals={"green": {"uniform": [9, 20]}}) != []
    # Cut at three deviations, the green is 10 s at least.
    assert conflicts(signals={"green": {"normal": [13, 1]}}) == []
    assert conflicts(signals={"green": {"normal": [12, 1]}}) != []


def test_without_signals_nobody_is_stranded() -> None:
    assert conflicts(map={"lanes": 3}, signals={"enabled": False}) == []
    # People cross at the corners whether or not a crosswalk is painted there.
    assert "stranded" in conflicts(map={"lanes": 3, "intersection_crosswalks": False})[0]


def test_a_mix_names_profiles() -> None:
    (found,) = conflicts(pedestrians={"mix": {"attentive": 1, "bold": 1}})
    assert found == "pedestrians.mix.bold: unknown profile 'bold'; allowed: attentive"
    assert "all shares are 0" in conflicts(pedestrians={"mix": {"attentive": 0}})[0]


def test_shares_of_places_fit_into_one() -> None:
    profile = {"midblock_share": 0.7, "jaywalk_share": {"uniform": [0, 0.4]}}
    assert "up to 1.1" in conflicts(pedestrians={"profiles": {"attentive": profile}})[0]


def test_stopping_distance_meets_a_hand_computed_number() -> None:
    # 0.2 * 5 + 0.06 + 5.6^2 / 12 + 1 = 4.6733
    assert stopping_distance(5.0, 11.2, 3.0, 6.0) == pytest.approx(4.67333, abs=1e-4)
    # At the top speed nothing is gained: 2.24 + 0.06 + 11.2^2 / 12 + 1 = 13.7533
    assert stopping_distance(11.2, 11.2, 3.0, 6.0) == pytest.approx(13.75333, abs=1e-4)


def test_a_trigger_leaves_room_to_stop_at_every_speed() -> None:
    good, late = {"time_to_collision": 2.0, "minimum_distance": 2.0}, {"time_to_collision": 1.0}
    assert conflicts(triggers=[good]) == []
    # At 10.6 m/s: 2.12 + 0.06 + 11.2^2 / 12 + 1 = 13.633, less max(10.6, 8).
    (found,) = conflicts(triggers=[good, late])
    assert found.startswith("triggers.1.time_to_collision: nobody could stop: at 10.6 m/s")
    assert "3.03 m too late" in found
    # At 1.2 / 5 = 0.24 m/s, where the time takes over: 0.048 + 0.06 + 0.84^2 / 12 + 1 = 1.167 m are needed.
    assert "0.02 m too late" in conflicts(triggers=[{"time_to_collision": 5, "minimum_distance": 1.145}])[0]
    assert conflicts(triggers=[{"time_to_collision": 5, "minimum_distance": 1.2}]) == []


def test_unavoidable_triggers_can_be_allowed() -> None:
    assert conflicts(triggers=[{"time_to_collision": 0.5}], allow_unavoidable=True) == []


@pytest.mark.parametrize("ttc", [0.4, 0.9, 1.3, 2.0, 6.0])
@pytest.mark.parametrize("least", [0.5, 1.2, 3.0, 9.0, 20.0])
def test_the_shortfall_is_the_largest_of_a_fine_grid_of_speeds(ttc: float, least: float) -> None:
    trigger = Trigger(time_to_collision=ttc, minimum_distance=least)
    speeds = [index * 11.2 / 5000 for index in range(5001)]
    grid = max(stopping_distance(v, 11.2, 3.0, 6.0) - max(ttc * v, least) for v in speeds)
    assert trigger_shortfall(trigger, Ego())[0] == pytest.approx(grid, abs=0.02)
    assert trigger_shortfall(trigger, Ego())[0] >= grid - 1e-9


def test_the_weakest_brakes_count() -> None:
    trigger = {"time_to_collision": 1.4, "minimum_distance": 8}
    assert conflicts(triggers=[trigger]) == []
    assert conflicts(triggers=[trigger], ego={"braking": {"choice": [3, 6]}}) != []


def test_a_person_does_not_wait_too_near_to_the_start() -> None:
    # From 8 m/s: 1.6 + 0.06 + 8.6^2 / 12 + 1 = 8.823 m ahead of the bumper, 2.25 m ahead of the centre.
    assert conflicts(triggers=[{"position": 11.08}]) == []
    (found,) = conflicts(triggers=[{"position": 11.0}])
    assert found.startswith("triggers.0.position: found 11, too near to stop")
    assert "allowed: 11.07 or more" in found
    assert conflicts(triggers=[{"position": 11.0}], ego={"start_speed": 5}) == []


def test_the_start_is_not_faster_than_the_top_speed() -> None:
    assert "at most ego.top_speed, 6" in conflicts(ego={"top_speed": 6})[0]


def test_buildings_and_blocks_have_sensible_sizes() -> None:
    assert "map.building_height_min" in conflicts(map={"building_height_min": 30})[0]
    # 2 * 3 * 4 m of road, 2 * 10 m of sidewalks, 3 * 6 m of crosswalks.
    crowded = {"lanes": 3, "lane_width": 4, "sidewalk_width": 10, "crosswalk_width": 6}
    quiet = {"enabled": False}
    assert "62 m or more" in conflicts(map={**crowded, "block_length": 61.9}, signals=quiet)[0]
    assert conflicts(map={**crowded, "block_length": 62}, signals=quiet) == []


def test_a_person_costs_more_than_any_other_ending() -> None:
    assert conflicts(reward={"person": 5.1}) == []
    assert "more than reward.car and reward.off_road, 5" in conflicts(reward={"person": 5})[0]


def test_the_near_plane_lies_before_the_far_one() -> None:
    assert conflicts(camera={"near": 5, "far": 10}) == []
