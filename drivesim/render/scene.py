"""What there is to draw: upright prisms on a flat, periodic ground, seen from one pose per world."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivesim.kernels import kernel
from drivesim.render.actors import put_actors
from drivesim.render.street import LIGHT_CAPACITY, STREET_CAPACITY, block_of, put_lights, put_street
from drivesim.scenario.schema import Scenario
from drivesim.world.parameters import compile_tables
from drivesim.world.state import NUM_TOWN_NUMBERS, Records, TownState, town_numbers
from drivesim.world.town import GEOMETRY, MAP_CELLS, class_map


@dataclass(frozen=True)
class Prisms:
    """Upright boxes of N worlds, padded to P; in world n the first `counts[n]` count."""

    boxes: NDArray[np.float64]
    """(N, P, 8): x, y (m), cos yaw, sin yaw, half length, half width (m), bottom z, top z (m)."""
    classes: NDArray[np.uint8]
    """(N, P) ids of `SemanticClass`."""
    tones: NDArray[np.uint8]
    """(N, P) gray of an unshaded face."""
    owners: NDArray[np.int16]
    """(N, P): -1 for the town, 0 the ego, 1 + i car i, 1000 + j person j."""
    counts: NDArray[np.int32]
    """(N,) prisms in use."""


@dataclass(frozen=True)
class Ground:
    """Class maps of the ground z = 0, repeating with their period in x and y."""

    maps: NDArray[np.uint8]
    """(M, S, S): [m, iy, ix] is the class where floor(x / period * S) mod S = ix, and iy likewise for y."""
    periods: NDArray[np.float64]
    """(M,) m."""
    index: NDArray[np.int32]
    """(N,) which map each world stands on."""


@dataclass(frozen=True)
class Scene:
    """All that a renderer needs for one image per world."""

    prisms: Prisms
    ground: Ground
    poses: NDArray[np.float64]
    """(N, 4): camera x, y, z (m), yaw (rad, counter-clockwise from +x)."""


@kernel
def _build(
    town: Records,
    ego: Records,
    cars: Records,
    people: Records,
    boxes: NDArray[np.float64],
    classes: NDArray[np.uint8],
    tones: NDArray[np.uint8],
    owners: NDArray[np.int16],
    counts: NDArray[np.int32],
    poses: NDArray[np.float64],
    keys: NDArray[np.float64],
    streets: NDArray[np.int32],
    numbers: NDArray[np.float64],
    mount: NDArray[np.float64],
    dt: float,
    with_ego: bool,
) -> None:
    for n in range(len(town)):
        block = block_of(town[n], ego[n].x)
        origin = block * town[n].block_length
        is_new = keys[n, 0] != block or keys[n, 1] != town[n].town_seed
        for k in range(numbers.shape[1]):
            is_new |= keys[n, 2 + k] != numbers[n, k]
        if is_new:
            keys[n, 0], keys[n, 1] = block, town[n].town_seed
            keys[n, 2:] = numbers[n]
            streets[n] = put_street(boxes[n], classes[n], tones[n], town[n], block)
            owners[n, : streets[n]] = -1
        start = streets[n]
        i = put_lights(boxes[n], classes[n], tones[n], start, town[n], block, town[n].tick * dt)
        owners[n, start:i] = -1
        parts = (town[n], ego[n], cars[n], people[n])
        counts[n] = put_actors(boxes[n], classes[n], tones[n], owners[n], i, parts, origin, with_ego)
        cos, sin = math.cos(ego[n].yaw), math.sin(ego[n].yaw)
        poses[n, 0] = ego[n].x - origin + mount[0] * cos - mount[1] * sin
        poses[n, 1] = ego[n].y + mount[0] * sin + mount[1] * cos
        poses[n, 2], poses[n, 3] = mount[2], ego[n].yaw + mount[3]


class SceneBuilder:
    """Turns town states into scenes; keeps the streets of the blocks it has just built.

    What it keeps is derived from the state alone: it changes speed, never a picture.
    """

    def __init__(self, scenario: Scenario, worlds: int, *, with_ego: bool = False) -> None:
        """Reserve room for `worlds` towns of a scenario; `with_ego` draws the ego's own car too."""
        tables = compile_tables(scenario)
        capacity = STREET_CAPACITY + LIGHT_CAPACITY + 2 * (tables.capacity_cars + 1) + tables.capacity_people
        self._prisms = Prisms(
            boxes=np.zeros((worlds, capacity, 8)),
            classes=np.zeros((worlds, capacity), np.uint8),
            tones=np.zeros((worlds, capacity), np.uint8),
            owners=np.zeros((worlds, capacity), np.int16),
            counts=np.zeros(worlds, np.int32),
        )
        mount = scenario.camera
        self._mount = np.array([mount.forward, mount.lateral, mount.height_above_ground, mount.yaw])
        self._dt = tables.physics_dt
        self._with_ego = with_ego
        self._keys = np.full((worlds, 2 + NUM_TOWN_NUMBERS), np.nan)
        self._streets = np.zeros(worlds, np.int32)
        self._laid = np.full((worlds, len(GEOMETRY)), np.nan)
        """(N, G) the geometry of the ground that each world stands on."""
        self._geometries: list[bytes] = []
        self._ground = Ground(
            np.zeros((1, MAP_CELLS, MAP_CELLS), np.uint8), np.ones(1), np.zeros(worlds, np.int32)
        )

    def build(self, state: TownState) -> Scene:
        """Build the scenes of N towns, x counted from the start of each ego's block.

        Args:
            state: as many towns as the builder was made for.

        Returns:
            A scene whose arrays are overwritten by the next call.
        """
        poses = np.empty((len(state), 4))
        prisms = self._prisms
        _build(
            state.town,
            state.ego,
            state.cars,
            state.people,
            prisms.boxes,
            prisms.classes,
            prisms.tones,
            prisms.owners,
            prisms.counts,
            poses,
            self._keys,
            self._streets,
            town_numbers(state),
            self._mount,
            self._dt,
            self._with_ego,
        )
        geometry = np.stack([state.town[name] for name in GEOMETRY], axis=1)
        for n in np.flatnonzero((geometry != self._laid).any(1)):
            self._lay_ground(int(n), state.town[n], geometry[n].tobytes())
            self._laid[n] = geometry[n]
        return Scene(prisms, self._ground, poses)

    def _lay_ground(self, n: int, town: np.void, geometry: bytes) -> None:
        """Find the class map that world n stands on; one for all while their geometry agrees."""
        if geometry in self._geometries:
            self._ground.index[n] = self._geometries.index(geometry)
            return
        used = set(np.delete(self._ground.index, n).tolist())
        free = [m for m in range(len(self._geometries)) if m not in used]
        if free:
            slot = free[0]
            self._geometries[slot] = geometry
        else:
            slot = len(self._geometries)
            self._geometries.append(geometry)
            if slot >= len(self._ground.maps):
                maps = np.concatenate([self._ground.maps, np.zeros_like(self._ground.maps)])
                periods = np.concatenate([self._ground.periods, np.ones_like(self._ground.periods)])
                self._ground = Ground(maps, periods, self._ground.index)
        self._ground.maps[slot] = class_map(town)
        self._ground.periods[slot] = town["block_length"]
        self._ground.index[n] = slot
