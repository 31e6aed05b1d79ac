"""From an agent's actions to throttle, brake and steer."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from drivesim.scenario.schema import Scenario


def control_table(scenario: Scenario) -> NDArray[np.float64] | None:
    """List the named actions as (A, 3) throttle, brake, steer; None for continuous control."""
    if isinstance(scenario.actions, str):
        return None
    return np.array([(a.throttle, a.brake, a.steer) for a in scenario.actions.values()], np.float64)


def action_space(table: NDArray[np.float64] | None) -> spaces.Space[Any]:
    """Return the space of one world's action: an index of the table, or (pedal, steer) in [-1, 1]."""
    if table is None:
        return spaces.Box(-1.0, 1.0, (2,), np.float32)
    return spaces.Discrete(len(table))


def to_controls(actions: NDArray[Any], table: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Translate actions to controls.

    Args:
        actions: (N,) indices; or, without a table, (N, 2) throttle less brake and steer, each -1 to 1.
        table: as `control_table` returns it.

    Returns:
        (N, 3) throttle, brake, steer.
    """
    if table is not None:
        return np.asarray(table[np.asarray(actions, np.int64)])
    given = np.asarray(actions, np.float64)
    pedal = given[:, 0]
    return np.stack([np.maximum(pedal, 0.0), np.maximum(-pedal, 0.0), given[:, 1]], 1)


def action_names(scenario: Scenario) -> list[str]:
    """Name what each output of an agent means."""
    return ["pedal", "steer"] if isinstance(scenario.actions, str) else list(scenario.actions)
