"""Actions become throttle, brake and steer."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from drivesim.envs.actions import action_space, control_table, to_controls
from tests.towns import changed, scenario


def test_named_actions_are_listed_in_the_scenarios_order() -> None:
    assert list(scenario().actions) == ["coast", "accelerate", "brake", "left", "right"]
    table = control_table(scenario())
    assert table is not None
    assert table.tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0.12], [0, 0, -0.12]]
    assert action_space(table) == spaces.Discrete(5)
    np.testing.assert_array_equal(to_controls(np.array([2, 0, 3]), table), table[[2, 0, 3]])


def test_continuous_actions_are_pedal_and_steer() -> None:
    assert control_table(changed("reasonable", actions="continuous")) is None
    assert action_space(None) == spaces.Box(-1.0, 1.0, (2,), np.float32)
    controls = to_controls(np.array([[0.5, -1.0], [-0.25, 0.125]], np.float32), None)
    assert controls.tolist() == [[0.5, 0.0, -1.0], [0.0, 0.25, 0.125]]
