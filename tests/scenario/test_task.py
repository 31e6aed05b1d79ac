"""The task: actions, camera and reward."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from drivesim.scenario.task import DEFAULT_ACTIONS, Action, Camera, Reward, Sim


def test_left_steers_positive_and_right_mirrors_it() -> None:
    assert DEFAULT_ACTIONS["left"].steer > 0
    assert DEFAULT_ACTIONS["right"].steer == -DEFAULT_ACTIONS["left"].steer
    assert DEFAULT_ACTIONS["coast"] == Action(throttle=0.0, brake=0.0, steer=0.0)


@pytest.mark.parametrize("values", [{"throttle": -1.1}, {"brake": -0.1}, {"steer": 1.1}, {"gas": 1}])
def test_an_action_outside_its_range_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Action.model_validate(values)


@pytest.mark.parametrize("width", [7, 1025, 128.5, {"uniform": [64, 128]}])
def test_an_image_size_is_a_whole_number_from_8_to_1024(width: object) -> None:
    with pytest.raises(ValidationError):
        Camera.model_validate({"width": width})


def test_rates_are_no_distributions() -> None:
    with pytest.raises(ValidationError):
        Sim.model_validate({"physics_hz": {"choice": [60, 120]}})


def test_a_persons_penalty_is_the_largest_by_default() -> None:
    reward = Reward()
    assert reward.person > max(reward.car, reward.off_road, reward.red_light)
