"""Whether a hit could have been avoided: the moment is restored and the brakes are applied in time.

A hit counts as avoidable if, restored from the first decision at which the person was off the kerb (any part
of the body) and visible (any pixel), full braking after 0.2 s ends without contact.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivesim.envs.cameras import make_camera
from drivesim.render.actors import FIRST_PERSON
from drivesim.render.raycaster import RaycastRenderer
from drivesim.render.scene import SceneBuilder
from drivesim.scenario.conflicts import REACTION_TIME
from drivesim.scenario.schema import Scenario
from drivesim.world import advance
from drivesim.world.parameters import compile_tables
from drivesim.world.state import CROSSING, TownState
from drivesim.world.town import half_road

MEMORY_S = 20.0
"""s of the past that are kept; a crossing under way for longer counts from the oldest moment kept."""
STOPPING_S = 6.0
"""s simulated after the restored moment at most."""


@dataclass(frozen=True)
class Moment:
    """The towns before a decision, and the controls that were then applied."""

    towns: TownState
    controls: NDArray[np.float64]


class HitJudge:
    """Remembers the last seconds of N towns and judges hits from them."""

    def __init__(self, scenario: Scenario) -> None:
        self._tables = compile_tables(scenario)
        self._camera = RaycastRenderer(make_camera(scenario), ("semantic",))
        self._builder = SceneBuilder(scenario, 1)
        self._hz = scenario.sim.decision_hz
        self._past: deque[Moment] = deque(maxlen=round(MEMORY_S * self._hz))

    def remember(self, towns: TownState, controls: NDArray[np.float64]) -> None:
        """Take in the towns (copied) before a decision, and its controls (N, 3)."""
        self._past.append(Moment(towns.copy(), controls.copy()))

    def is_avoidable(self, world: int, person: int) -> bool:
        """Judge the hit that ended the last decision of one world."""
        start = self._first_visible(world, person)
        if start is None:
            return False
        moments = list(self._past)
        towns = moments[start].towns.select(np.array([world]))
        reaction = round(REACTION_TIME * self._hz)
        for k in range(round(STOPPING_S * self._hz)):
            is_reacting = k < reaction and start + k < len(moments)
            controls = moments[start + k].controls[[world]] if is_reacting else np.array([[0.0, 1.0, 0.0]])
            outcome = advance.step(towns, controls, self._tables)
            if outcome["person"][0] >= 0:
                return False
            if towns.ego["speed"][0] == 0.0 and not is_reacting:
                return True
        return True

    def _first_visible(self, world: int, person: int) -> int | None:
        """Return the index of the first moment of this crossing at which the person could be seen, if any."""
        first = None
        for index in range(len(self._past) - 1, -1, -1):
            towns = self._past[index].towns
            record = towns.people[world, person]
            is_off_kerb = abs(record["y"]) - record["half_width"] < half_road(towns.town[world])
            if (
                record["mode"] != CROSSING
                or towns.town["seed"][world] != self._past[-1].towns.town["seed"][world]
            ):
                break
            if is_off_kerb and self._is_visible(towns.select(np.array([world])), person):
                first = index
        return first

    def _is_visible(self, towns: TownState, person: int) -> bool:
        scene = self._builder.build(towns)
        pixels = self._camera.visible_owners(scene)[0]
        count = scene.prisms.counts[0]
        return bool(pixels[:count][scene.prisms.owners[0, :count] == FIRST_PERSON + person].sum() > 0)
