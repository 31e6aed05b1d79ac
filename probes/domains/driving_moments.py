"""Moments that a drive can go on from: who is seen and where, synthesised or recorded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivesim.envs.cameras import make_camera
from drivesim.envs.observation import FrameStack, frames_seen
from drivesim.render.actors import FIRST_CAR, FIRST_PERSON
from drivesim.render.raycaster import RaycastRenderer
from drivesim.render.scene import SceneBuilder
from drivesim.scenario.schema import Scenario
from drivesim.world.state import WALKING, Records, TownState
from probes.data.state_set import StateSet
from probes.domains.driving import town_state
from probes.domains.town_sketch import BODY, Sketch, Sketcher


@dataclass(frozen=True, eq=False)
class Moment:
    """An instant as it is seen."""

    label: str
    towns: TownState
    """One town, whose cars and people are those who are seen: places, directions, speeds and sizes count."""
    frames: NDArray[np.uint8]
    """(L, M, H, W), what the driver has seen so far, as `FrameStack.history` holds it of one world."""

    @property
    def x(self) -> float:
        """Where the ego is along its road, m."""
        return float(self.towns.ego["x"][0])


def moment_of_sketch(sketcher: Sketcher, sketch: Sketch, label: str) -> Moment:
    """Return the moment of a sketch, with the frames that lead to it."""
    is_car = np.array([body.is_car for body in sketch.bodies], np.bool_)
    count = int(is_car.sum())
    towns = sketcher.begun(sketch.episode, 1, count, len(is_car) - count)
    x, y, yaw, speed = sketch.numbers[:BODY]
    velocity = speed * np.array([np.cos(yaw), np.sin(yaw)])
    rows = sketch.numbers[BODY:].reshape(-1, BODY) + np.array([x, y, *velocity])
    for name, value in zip(("x", "y", "yaw", "speed"), (x, y, yaw, speed), strict=True):
        towns.ego[name] = value
    towns.town["tick"] = sketch.tick
    cars, people = towns.cars[0], towns.people[0]
    cars["cos"], cars["sin"] = ([getattr(b, n) for b in sketch.bodies if b.is_car] for n in ("cos", "sin"))
    for records, who in ((cars, rows[is_car]), (people, rows[~is_car])):
        records["x"], records["y"] = who[:, 0], who[:, 1]
    cars["half_length"], cars["half_width"] = sketcher.car_half
    cars["speed"] = np.maximum((rows[is_car, 2:] * np.stack([cars["cos"], cars["sin"]], 1)).sum(1), 0.0)
    cars["is_active"] = 1
    people["half_width"], people["height"] = sketcher.person_half, sketcher.person_height
    people["velocity_x"], people["velocity_y"] = rows[~is_car, 2], rows[~is_car, 3]
    people["mode"] = WALKING
    return Moment(label, towns, _history(towns, sketcher.scenario))


def moment_of_state(states: StateSet, index: int, scenario: Scenario, label: str) -> Moment:
    """Return the moment of a recorded state.

    Args:
        states: of a driving agent.
        index: which of them.
        scenario: that was recorded.
        label: what the moment is called.

    Raises:
        ProbeError: the set holds no towns.
    """
    towns = town_state(states, index)
    cars, people = seen(towns, scenario)
    shown = _with_only(towns, towns.cars[:, cars[0]], towns.people[:, people[0]])
    # Frames between those of a state are not kept; the later one stands for them.
    frames = np.repeat(states.stored([index])[0], scenario.stack_stride, axis=0)
    return Moment(label, shown, frames[scenario.stack_stride - 1 :])


def without_people(moment: Moment, scenario: Scenario) -> Moment:
    """Return a moment in which there is nobody, nor was, all others having moved evenly."""
    alone = _with_only(moment.towns, moment.towns.cars, moment.towns.people[:, :0])
    return Moment(moment.label, alone, _history(alone, scenario))


def _with_only(towns: TownState, cars: Records, people: Records) -> TownState:
    """Return a copy of towns with just these cars and people (N, ...)."""
    only = TownState(towns.town.copy(), towns.ego.copy(), cars.copy(), people.copy())
    only.town["num_cars"], only.town["num_people"] = cars.shape[1], people.shape[1]
    return only


def _history(towns: TownState, scenario: Scenario) -> NDArray[np.uint8]:
    """Draw what leads to a moment (L, M, H, W), everybody having moved evenly."""
    ago = np.arange(frames_seen(scenario) - 1, -1, -1) / scenario.sim.decision_hz
    past = towns.select(np.zeros(len(ago), np.int64))
    past.town["tick"] -= np.rint(ago * scenario.sim.physics_hz).astype(np.int64)
    ego, cars, people = past.ego, past.cars, past.people
    for axis, along in (("x", "cos"), ("y", "sin")):
        ego[axis] -= ago * ego["speed"] * getattr(np, along)(ego["yaw"])
        cars[axis] -= ago[:, None] * cars["speed"] * cars[along]
        people[axis] -= ago[:, None] * people[f"velocity_{axis}"]
    camera = RaycastRenderer(make_camera(scenario), scenario.modalities)
    stack = FrameStack(scenario, len(ago))
    frames = camera.render(SceneBuilder(scenario, len(ago)).build(past))
    stack.replace(frames, past.town, np.ones(len(ago), np.bool_))
    return stack.stacks()[:, -1]


def seen(towns: TownState, scenario: Scenario) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which cars (N, C) and people (N, K) show at least a pixel."""
    scene = SceneBuilder(scenario, len(towns)).build(towns)
    pixels = RaycastRenderer(make_camera(scenario), ("semantic",)).visible_owners(scene)
    cars, people = np.zeros(towns.cars.shape, np.bool_), np.zeros(towns.people.shape, np.bool_)
    for n, count in enumerate(scene.prisms.counts):
        owners = scene.prisms.owners[n, :count][pixels[n, :count] > 0].astype(np.int64)
        cars[n, owners[(owners >= FIRST_CAR) & (owners < FIRST_PERSON)] - FIRST_CAR] = True
        people[n, owners[owners >= FIRST_PERSON] - FIRST_PERSON] = True
    return cars, people
