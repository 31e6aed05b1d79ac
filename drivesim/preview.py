"""`drivesim scenario preview`: a map from above beside what the camera sees."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import cv2
import imageio.v3 as iio
import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from rich.console import Console

from drivesim.drivers import DRIVERS
from drivesim.envs.picture import PictureMaker
from drivesim.envs.vector import DrivingVectorEnv, make_camera
from drivesim.render.bird import bird_view
from drivesim.render.video import tile, write_video
from drivesim.scenario.loader import load
from drivesim.scenario.schema import Scenario

PREVIEW_S = 12.0
"""s of a preview's film; its picture is taken at the start."""


def preview_pictures(scenario: Scenario, seed: int, driver: str) -> Iterator[NDArray[np.uint8]]:
    """Draw the first seconds of an episode: the map from above beside what the camera sees."""
    env = DrivingVectorEnv(1, scenario, "none", autoreset_mode=AutoresetMode.DISABLED)
    eye = PictureMaker(make_camera(scenario), 512)
    try:
        env.reset(seed=seed)
        for _ in range(round(PREVIEW_S * scenario.sim.decision_hz)):
            scene = env.scene()
            front = eye.draw(scene)[0]
            above = bird_view(scene, 0, size=512)
            shown = cv2.resize(front, (512, 512), interpolation=cv2.INTER_NEAREST)
            title = f"{scenario.name}, seed {seed}, {env.state.town['tick'][0] * env.tables.physics_dt:.1f} s"
            yield tile([(title, above), ("camera", shown)], columns=2)
            _, _, terminated, truncated, _ = env.step_controls(DRIVERS[driver](env.state, env.tables))
            if terminated[0] or truncated[0]:
                return
    finally:
        eye.close()
        env.close()


def run_preview(args: argparse.Namespace) -> int:
    """Write a picture, or a film, of a scenario."""
    scenario = load(args.file)
    pictures = preview_pictures(scenario, args.seed, args.driver)
    if args.output.suffix == ".mp4":
        write_video(args.output, pictures, fps=scenario.sim.decision_hz)
    elif args.output.suffix == ".png":
        args.output.parent.mkdir(parents=True, exist_ok=True)
        iio.imwrite(args.output, next(pictures))
        pictures.close()  # type: ignore[attr-defined]
    else:
        Console(stderr=True).print(f"{args.output}: found suffix {args.output.suffix!r}, allowed: .png, .mp4")
        return 2
    return 0
