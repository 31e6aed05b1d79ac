"""A moment of the town in few numbers: the ego, the lights, and whoever is seen; and what it looks like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivesim.envs.cameras import make_camera
from drivesim.envs.observation import quantise_depth
from drivesim.render.camera import Frames
from drivesim.render.raycaster import RaycastRenderer
from drivesim.render.scene import SceneBuilder
from drivesim.scenario.quantity import support_of
from drivesim.scenario.schema import Scenario
from drivesim.world import advance
from drivesim.world.parameters import compile_tables
from drivesim.world.state import AWAY, CROSSING, TownState, empty_state
from probes.states import StateLayout

Floats = NDArray[np.float64]

EGO = 4
"""Numbers of the ego: x and y (m), yaw (rad), speed (m/s)."""
BODY = 4
"""Of everybody else: x and y (m), and the velocity along both (m/s), all less the ego's: then where the ego
is changes nothing of how they are seen, and a search can move one number at a time."""


ABSENT = -1e4
"""m; whoever is farther behind the ego than half of that is not there."""


@dataclass(frozen=True)
class Body:
    """Somebody who is seen: a person, or a car that drives along one of four directions."""

    is_car: bool
    cos: float = 1.0
    sin: float = 0.0


@dataclass(frozen=True, eq=False)
class Sketch:
    """A moment."""

    episode: int
    """Seed of the numbers that a scenario draws for a map and an ego."""
    tick: int
    """Physics steps on the signals' clock."""
    numbers: Floats
    """(4 + 4 K,), the ego's and those of each body."""
    bodies: tuple[Body, ...] = ()
    """K of them."""


class Sketcher:
    """What all drawings of a scenario's moments share.

    Args:
        scenario: whose town, camera and rates they are.
        layout: of the states that are drawn.
    """

    def __init__(self, scenario: Scenario, layout: StateLayout) -> None:
        self.scenario, self.layout = scenario, layout
        self.tables = compile_tables(scenario)
        self.camera = make_camera(scenario)
        step = scenario.stack_stride / scenario.sim.decision_hz
        self.times = step * np.arange(1 - layout.stack, 1)
        """(T,) s, of each frame before the moment; the last is 0."""
        cars, people = scenario.cars, scenario.pedestrians
        self.car_half = tuple(sum(support_of(cars, name)) / 4 for name in ("length", "width"))
        """m; of what is drawn for each car, the middle."""
        self.person_half = sum(support_of(people, "body_width")) / 4
        self.person_height = sum(support_of(people, "body_height")) / 2

    def begun(self, episode: int, worlds: int, cars: int, people: int) -> TownState:
        """Return so many towns of an episode's map, each with room for some cars and people, who are away."""
        one = advance.begun(self.tables, np.array([episode]))
        state = empty_state(worlds, cars, people)
        state.town[:], state.ego[:] = one.town, one.ego
        state.town["num_cars"], state.town["num_people"] = cars, people
        return state


class Canvas:
    """Draws a sketch with P other sets of numbers at once.

    Everybody is taken to have moved evenly while the frames of a state were taken.

    Args:
        sketcher: of the scenario.
        sketch: whose map, clock and bodies they share.
        count: P.
        times: (S,) s relative to the moment, of what is drawn; those of a state's frames by default.
    """

    def __init__(self, sketcher: Sketcher, sketch: Sketch, count: int, times: Floats | None = None) -> None:
        self._sketcher = sketcher
        self._times = sketcher.times if times is None else times
        self._count = count
        self._is_car = np.array([body.is_car for body in sketch.bodies], np.bool_)
        cars = int(self._is_car.sum())
        worlds = count * len(self._times)
        state = sketcher.begun(sketch.episode, worlds, cars, len(sketch.bodies) - cars)
        for name in ("cos", "sin"):
            state.cars[name] = [getattr(body, name) for body in sketch.bodies if body.is_car]
        state.cars["half_length"], state.cars["half_width"] = sketcher.car_half
        state.people["half_width"], state.people["height"] = sketcher.person_half, sketcher.person_height
        ticks = sketch.tick + np.rint(self._times * sketcher.scenario.sim.physics_hz).astype(np.int64)
        state.town["tick"] = np.tile(ticks, count)
        self._state = state
        self._builder = SceneBuilder(sketcher.scenario, len(state))
        self._renderer = RaycastRenderer(sketcher.camera, sketcher.scenario.modalities)

    def towns(self, numbers: Floats) -> TownState:
        """Return the towns (P S of them, overwritten by the next call) that numbers (P, D) stand for."""
        state, times = self._state, self._times
        columns = numbers.reshape(self._count, -1, BODY)  # (P, 1 + K, 4), the ego first
        ego, yaw, speed = columns[:, 0, :2], columns[:, 0, 2], columns[:, 0, 3]
        velocity = speed[:, None] * np.stack([np.cos(yaw), np.sin(yaw)], axis=1)  # (P, 2)
        now, pace = columns[:, :, :2].copy(), columns[:, :, 2:].copy()  # (P, 1 + K, 2)
        now[:, 1:] += ego[:, None]
        pace[:, 1:] += velocity[:, None]
        pace[:, 0] = velocity
        places = (now[:, None] + pace[:, None] * times[:, None, None]).reshape(len(state), -1, 2)
        state.ego["x"], state.ego["y"] = places[:, 0, 0], places[:, 0, 1]
        state.ego["yaw"], state.ego["speed"] = np.repeat(yaw, len(times)), np.repeat(speed, len(times))
        is_there = np.repeat(columns[:, 1:, 0] > ABSENT / 2, len(times), axis=0)  # (P S, K)
        for records, who in ((state.cars, self._is_car), (state.people, ~self._is_car)):
            records["x"], records["y"] = places[:, 1:][:, who, 0], places[:, 1:][:, who, 1]
        state.cars["is_active"] = is_there[:, self._is_car]
        state.people["mode"] = np.where(is_there[:, ~self._is_car], CROSSING, AWAY)
        return state

    def draw(self, numbers: Floats) -> NDArray[np.uint8]:
        """Return the stored states (P, S, M, H, W) of numbers (P, D)."""
        frames = self._renderer.render(self._builder.build(self.towns(numbers)))
        planes = [
            _stored(frames, name, self._sketcher.camera.far) for name in self._sketcher.scenario.modalities
        ]
        stored = np.stack(planes, axis=1)
        return stored.reshape(self._count, len(self._times), *stored.shape[1:])


def _stored(frames: Frames, modality: str, far: float) -> NDArray[np.uint8]:
    plane = getattr(frames, modality)
    stored: NDArray[np.uint8] = quantise_depth(plane, far) if modality == "depth" else plane
    return stored
