from __future__ import annotations

import numpy as np

from drivesim.envs.vector import DrivingVectorEnv
from drivesim.render.bird import bird_view
from drivesim.render.semantics import PALETTE, SemanticClass


def test_map_shows_the_road_along_its_middle_and_buildings_beside_it() -> None:
    env = DrivingVectorEnv(1, "empty_road", "none")
    env.reset(seed=0)
    picture = bird_view(env.scene(), 0, size=256, span=100.0)
    env.close()
    assert picture.shape == (256, 256, 3)
    counts = {
        name: int((picture == PALETTE[name]).all(-1).sum())
        for name in (SemanticClass.ROAD, SemanticClass.BUILDING, SemanticClass.SIDEWALK)
    }
    assert min(counts.values()) > 500
    # The ego drives at y = -1.75 m: the middle row is 1.75 m right of the centre line.
    middle = picture[120:136].reshape(-1, 3)
    assert np.mean((middle == PALETTE[SemanticClass.ROAD]).all(-1)) > 0.5
