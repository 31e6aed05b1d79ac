"""A drive on film: what the camera sees, its classes and depth, and the car from behind by PyBullet."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from drivesim.envs.picture import PictureMaker
from drivesim.envs.vector import DrivingVectorEnv, make_camera
from drivesim.pilots import Pilot
from drivesim.render.chase import ChaseCamera, chase_pose
from drivesim.render.raycaster import RaycastRenderer
from drivesim.render.scene import SceneBuilder
from drivesim.render.video import colorize_classes, colorize_depth, tile
from drivesim.scenario.schema import Scenario
from drivesim.world.state import TownState

PANEL = 384
"""px, width of one panel."""
FREEZE_S = 1.0
"""s that the last picture stands."""


@dataclass(frozen=True)
class Shot:
    """One decision on film."""

    towns: TownState
    """One town."""
    caption: str


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
            shots.append(Shot(env.state.copy(), _caption(env, controls[0])))
            observations, _, _, _, info = env.step_controls(controls)
            ending = str(info["ending"][0])
        end = f"ended: {ending.replace('_', ' ')}, at {env.state.ego['speed'][0]:.1f} m/s"
        shots.append(Shot(env.state.copy(), end))
    finally:
        env.close()
    return list(shots)


def _caption(env: DrivingVectorEnv, controls: NDArray[np.float64]) -> str:
    throttle, brake, steer = controls
    pedal = f"brake {brake:.1f}" if brake > 0 else f"throttle {throttle:+.1f}"
    seconds = env.state.town["tick"][0] * env.tables.physics_dt
    return f"{seconds:.1f} s  {env.state.ego['speed'][0]:.1f} m/s  {pedal}  steer {steer:+.2f}"


def film(scenario: Scenario, shots: list[Shot], title: str) -> Iterator[NDArray[np.uint8]]:
    """Draw shots as pictures of four panels, at the decision rate.

    Args:
        scenario: where they were taken.
        shots: of one episode.
        title: written above the camera's panel.
    """
    camera = make_camera(scenario)
    eyes = RaycastRenderer(camera, ("depth", "semantic"))
    picture, builder = PictureMaker(camera, PANEL), SceneBuilder(scenario, 1)
    outside = SceneBuilder(scenario, 1, with_ego=True)
    height = round(PANEL * camera.height / camera.width)
    chase = ChaseCamera(PANEL, height)
    frame = np.zeros((2, 2, 3), np.uint8)
    try:
        for shot in shots:
            scene = builder.build(shot.towns)
            seen = eyes.render(scene)
            assert seen.semantic is not None
            assert seen.depth is not None
            x, y, _, yaw = scene.poses[0]
            panels = [
                (title, picture.draw(scene)[0]),
                ("classes, as the agent sees them", colorize_classes(seen.semantic[0])),
                ("depth", colorize_depth(seen.depth[0], camera.far)),
                (shot.caption, chase.view(outside.build(shot.towns), chase_pose(x, y, yaw))),
            ]
            frame = tile(panels, columns=2)
            yield frame
        for _ in range(round(FREEZE_S * scenario.sim.decision_hz)):
            yield frame
    finally:
        eyes.close()
        picture.close()
        chase.close()
