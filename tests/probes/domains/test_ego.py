from __future__ import annotations

import numpy as np
import pytest

from probes.domains.driving import DrivingSimulation
from probes.domains.ego import ego_records, odometer, speeds


def test_the_odometer_adds_up_what_the_speed_covers_and_starts_anew_with_an_episode() -> None:
    simulation = DrivingSimulation("empty_road", 2)
    simulation.reset([3, 4])
    assert odometer(simulation).tolist() == [0.0, 0.0]
    start = ego_records(simulation)["x"].copy()
    covered = np.zeros(2)
    for _ in range(20):
        before = speeds(simulation)
        simulation.step(np.full(2, simulation.actions.index("accelerate")))
        covered += 0.05 * (before + speeds(simulation))  # decisions are 0.1 s apart
    assert (covered > 5).all()
    # Along the lane, not along the path of a car that is a few degrees off.
    assert odometer(simulation) == pytest.approx(covered, rel=0.02)
    assert odometer(simulation) == pytest.approx(ego_records(simulation)["x"] - start, abs=1e-6)
    simulation.restart(np.array([False, True]), [5])
    assert (odometer(simulation) > 0).tolist() == [True, False]
    simulation.close()
