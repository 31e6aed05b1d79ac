"""What an environment needs to continue bit for bit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivesim.world.state import TownState


@dataclass(frozen=True)
class Snapshot:
    """The towns and the frames seen so far."""

    towns: TownState
    frames: NDArray[np.uint8] | None = None
    """(N, L, M, H, W), oldest first; without them the first image stands for its past."""
