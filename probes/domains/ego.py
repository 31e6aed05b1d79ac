"""The ego's own records in a driving simulation: how far it has come, and how fast it is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivesim.world.state import EGO
from probes.data.simulation import Simulation


def ego_records(simulation: Simulation) -> NDArray[Any]:
    """Return a copy of the egos' records (N,), of `drivesim.world.state.EGO`."""
    return np.ascontiguousarray(simulation.situation()["ego"]).view(EGO)[:, 0]


def odometer(simulation: Simulation) -> NDArray[np.float64]:
    """Return how far each ego (N,) has come along its lane since its episode began, m."""
    return ego_records(simulation)["odometer"].astype(np.float64)


def speeds(simulation: Simulation) -> NDArray[np.float64]:
    """Return the speed of each ego (N,), m/s, negative in reverse."""
    return ego_records(simulation)["speed"].astype(np.float64)
