"""A drive on film: what the camera sees, its classes and depth, and the car from behind by PyBullet."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from drivesim.envs.picture import PictureMaker
from drivesim.envs.vector import DrivingVectorEnv, make_camera
from drivesim.pilots import Pilot
from drivesim.render.actors import EGO_OWNER, FIRST_CAR, FIRST_PERSON
from drivesim.render.bullet_physics import BulletPhysics
from drivesim.render.chase import ChaseCamera, Loose, chase_pose
from drivesim.render.raycaster import RaycastRenderer
from drivesim.render.scene import Scene, SceneBuilder
from drivesim.render.video import colorize_classes, colorize_depth, tile
from drivesim.scenario.schema import Scenario
from drivesim.world.state import TownState

PANEL = 384
"""px, width of one panel."""
AFTERMATH_S = 1.6
"""s that rigid bodies move on after a hit."""


@dataclass(frozen=True)
class Shot:
    """One decision on film."""

    towns: TownState
    """One town."""
    caption: str
    struck: int | None = None
    """Owner of the body that the ego has just hit."""


def drive_shots(scenario: Scenario, pilot: Pilot, seed: int, last_s: float) -> list[Shot]:
    """Drive one episode and keep its last seconds.

    Args:
        scenario: where.
        pilot: who.
        seed: of the episode.
        last_s: s to keep.
    """
    hz = scenario.sim.decision_hz
    shots: deque[Shot] = deque(maxlen=max(round(last_s * hz), 1))
    env = DrivingVectorEnv(1, scenario, autoreset_mode=AutoresetMode.DISABLED)
    try:
        observations, _ = env.reset(seed=seed)
        ending = "none"
        while ending == "none":
            controls = pilot(env, observations)
            shots.append(Shot(env.state.copy(), caption_of(env.state, controls[0], scenario)))
            observations, _, _, _, info = env.step_controls(controls)
            ending = str(info["ending"][0])
        end = f"ended: {ending.replace('_', ' ')}, at {env.state.ego['speed'][0]:.1f} m/s"
        shots.append(Shot(env.state.copy(), end, struck_owner(info["outcome"][0])))
    finally:
        env.close()
    return list(shots)


def struck_owner(outcome: Any) -> int | None:
    """Return whom a decision's outcome says the ego hit, as in `Prisms.owners`."""
    if outcome["person"] >= 0:
        return FIRST_PERSON + int(outcome["person"])
    return FIRST_CAR + int(outcome["car"]) if outcome["car"] >= 0 else None


def caption_of(towns: TownState, controls: NDArray[np.float64], scenario: Scenario) -> str:
    """Say of one town when it is, how fast the ego goes, and what it does: throttle, brake, steer (3,)."""
    throttle, brake, steer = controls
    pedal = f"brake {brake:.1f}" if brake > 0 else f"throttle {throttle:+.1f}"
    seconds = towns.town["tick"][0] / scenario.sim.physics_hz
    return f"{seconds:.1f} s  {towns.ego['speed'][0]:.1f} m/s  {pedal}  steer {steer:+.2f}"


class Studio:
    """Draws the towns of one episode as pictures of four panels."""

    def __init__(self, scenario: Scenario, title: str) -> None:
        """Prepare for towns of a scenario; `title` is written above the camera's panel."""
        self._title, self._camera = title, make_camera(scenario)
        self._eyes = RaycastRenderer(self._camera, ("depth", "semantic"))
        self._picture = PictureMaker(self._camera, PANEL)
        self._inside = SceneBuilder(scenario, 1)
        self._outside = SceneBuilder(scenario, 1, with_ego=True)
        height = round(PANEL * self._camera.height / self._camera.width)
        self._chase = ChaseCamera(PANEL, height)
        self._front: list[tuple[str, NDArray[np.uint8]]] = []

    def draw(self, shot: Shot) -> NDArray[np.uint8]:
        """Draw one decision."""
        scene = self._inside.build(shot.towns)
        seen = self._eyes.render(scene)
        assert seen.semantic is not None
        assert seen.depth is not None
        self._front = [
            (self._title, self._picture.draw(scene)[0]),
            ("classes, as the agent sees them", colorize_classes(seen.semantic[0])),
            ("depth", colorize_depth(seen.depth[0], self._camera.far)),
        ]
        x, y, _, yaw = scene.poses[0]
        behind = self._chase.view(self._outside.build(shot.towns), chase_pose(x, y, yaw))
        return tile([*self._front, (shot.caption, behind)], columns=2)

    def draw_aftermath(
        self, shot: Shot, struck: int, physics_hz: int, frame_hz: int
    ) -> Iterator[NDArray[np.uint8]]:
        """Let PyBullet's rigid bodies move on from a hit and draw them from behind; the rest stands still.

        Args:
            shot: the moment of first contact, the last that was drawn.
            struck: the owner that was hit, as in `Prisms.owners`.
            physics_hz, frame_hz: physics steps and pictures per second.
        """
        scene = self._outside.build(shot.towns)
        owners, boxes, velocities = movers(scene, shot.towns)
        physics = BulletPhysics(physics_hz)
        try:
            before = boxes.copy()
            before[:, :2] -= velocities / physics_hz
            physics.set_bodies(owners, before)
            physics.follow(boxes)
            start = physics.poses()
            trace = physics.impact([struck], round(AFTERMATH_S * physics_hz))
        finally:
            physics.close()
        x, y, _, yaw = scene.poses[0]
        for now in trace[:: physics_hz // frame_hz]:
            pose = chase_pose(x + now[0, 0] - start[0, 0], y + now[0, 1] - start[0, 1], yaw)
            behind = self._chase.view(scene, pose, loose=Loose(owners, start, now))
            yield tile([*self._front, ("after the contact: rigid bodies", behind)], columns=2)

    def close(self) -> None:
        """Close all renderers; harmless twice."""
        self._eyes.close()
        self._picture.close()
        self._chase.close()


def movers(
    scene: Scene, towns: TownState
) -> tuple[NDArray[np.int16], NDArray[np.float64], NDArray[np.float64]]:
    """List who moves in world 0, the ego first: owners (K,), boxes (K, 8), velocities (K, 2) in m/s."""
    count = int(scene.prisms.counts[0])
    owners, first = np.unique(scene.prisms.owners[0, :count], return_index=True)
    kept = owners >= 0
    owners, boxes = owners[kept], scene.prisms.boxes[0, first[kept]].copy()
    velocities = np.zeros((len(owners), 2))
    ego, cars, people = towns.ego[0], towns.cars[0], towns.people[0]
    for i, owner in enumerate(owners.tolist()):
        if owner == EGO_OWNER:
            velocities[i] = ego["speed"] * boxes[i, 2:4]
        elif owner >= FIRST_PERSON:
            person = people[owner - FIRST_PERSON]
            velocities[i] = person["velocity_x"], person["velocity_y"]
        else:
            velocities[i] = cars[owner - FIRST_CAR]["speed"] * boxes[i, 2:4]
    return owners, boxes, velocities


def film(scenario: Scenario, shots: list[Shot], title: str) -> Iterator[NDArray[np.uint8]]:
    """Draw shots at the decision rate, and after a hit what rigid bodies make of it.

    Args:
        scenario: where they were taken.
        shots: of one episode.
        title: written above the camera's panel.
    """
    studio = Studio(scenario, title)
    try:
        for shot in shots:
            yield studio.draw(shot)
        if shots[-1].struck is not None:
            rates = scenario.sim.physics_hz, scenario.sim.decision_hz
            yield from studio.draw_aftermath(shots[-1], shots[-1].struck, *rates)
    finally:
        studio.close()
