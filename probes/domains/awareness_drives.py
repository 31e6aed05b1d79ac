"""Whom an agent would hit if it went on as if nobody were there, and whom of these it hits seeing them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from drivesim.continuation import Continuation, drive_on
from drivesim.envs.snapshot import Snapshot
from drivesim.envs.vector import DrivingVectorEnv
from drivesim.pilots import Pilot
from drivesim.scenario.schema import Scenario
from drivesim.world.state import TownState

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

DRIVE_S = 6.0
"""s that an agent goes on."""


@dataclass
class Recorder:
    """Keeps the controls of a drive, and drives by them again: as if what is there now were not seen."""

    controls: list[Floats] = field(default_factory=list)
    needs_images: bool = False
    _next: int = 0

    def keep(self, towns: TownState, controls: Floats | None) -> None:
        """Take in the controls (N, 3) of one decision; None after the last."""
        del towns
        if controls is not None:
            self.controls.append(controls.copy())

    def again(self) -> Recorder:
        """Return one who drives by what was kept."""
        return Recorder(self.controls)

    def __call__(self, env: DrivingVectorEnv, observations: NDArray[np.uint8]) -> Floats:
        """Drive by the record; the last controls are held where it ends."""
        del env, observations
        controls = self.controls[min(self._next, len(self.controls) - 1)]
        self._next += 1
        return controls


def drive_pairs(
    pilot: Pilot,
    scenario: Scenario,
    empty: Snapshot,
    courses: Sequence[Snapshot],
    slot: NDArray[np.int64],
    on_drive: Callable[[], None],
) -> tuple[Flags, Flags]:
    """Drive on from moments without anybody, then with one person each, unseen and seen.

    Whoever would be hit by the very controls that the driver chose while nobody was there, and could have
    been spared by braking in time, is in danger. With a driver who stands anyway, or leaves the road, nobody
    is: that nobody is hit then is no merit.

    Args:
        pilot: who drives.
        scenario: where.
        empty: M moments.
        courses: C times the same moments, each with one person.
        slot: (M,) which person that is.
        on_drive: told after the drive alone, and after each pair.

    Returns:
        (C, M) who is in danger, and whom of these the driver hits.
    """
    alone = Recorder()
    drive_on(scenario, pilot, empty, DRIVE_S, on_decision=alone.keep)
    on_drive()
    dangers, hits = [], []
    for course in courses:
        unseen = drive_on(scenario, alone.again(), course, DRIVE_S)
        seen = drive_on(scenario, pilot, course, DRIVE_S)
        on_drive()
        dangers.append(_struck(unseen, slot) & np.array([bool(drive.is_avoidable) for drive in unseen]))
        hits.append(_struck(seen, slot) & dangers[-1])
    return np.array(dangers), np.array(hits)


def _struck(drives: Sequence[Continuation], slot: NDArray[np.int64]) -> Flags:
    """Tell which drives (M,) ended with the person who was put there."""
    return np.array([drive.person == k for drive, k in zip(drives, slot, strict=True)], np.bool_)
