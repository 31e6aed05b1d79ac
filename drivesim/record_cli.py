"""`drivesim record` and `drivesim scenario preview`: films and pictures of a scenario."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import imageio.v3 as iio
import numpy as np
import torch
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from rich.console import Console

from drivesim.drivers import DRIVERS
from drivesim.envs.picture import PictureMaker
from drivesim.envs.vector import HELD_OUT, DrivingVectorEnv, make_camera
from drivesim.pilots import load_pilot
from drivesim.recording import drive_shots, film
from drivesim.render.bird import bird_view
from drivesim.render.video import tile, write_video
from drivesim.scenario.loader import load
from drivesim.scenario.schema import Scenario

PREVIEW_S = 12.0
"""s of a preview's film; its picture is taken at the end."""


def add_parser(commands: Any, scenario_commands: Any) -> None:
    """Add `record`, and `preview` among the scenario's commands."""
    parser = commands.add_parser("record", help="film one episode")
    parser.add_argument("agent", metavar="AGENT", help="as for evaluate")
    parser.add_argument("scenario", metavar="SCENARIO", help="a shipped name, or a path")
    parser.add_argument("--seed", type=int, default=HELD_OUT, help="of the episode")
    parser.add_argument("--last", type=float, default=60.0, metavar="S", help="only the last seconds")
    parser.add_argument("--greedy", action="store_true", help="take the most likely action, not a drawn one")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.mp4")
    parser.set_defaults(func=run_record)
    parser = scenario_commands.add_parser("preview", help="draw a map from above beside the camera's view")
    parser.add_argument("file", metavar="FILE", help="a path, or a shipped name")
    parser.add_argument("--seed", type=int, default=0, help="of the episode")
    parser.add_argument("--driver", default="expert", choices=tuple(DRIVERS), help="who drives meanwhile")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.png|FILE.mp4")
    parser.set_defaults(func=run_preview)


def run_record(args: argparse.Namespace) -> int:
    """Film an episode from the agent's camera and from behind."""
    torch.set_num_threads(1)
    scenario = load(args.scenario)
    pilot, _ = load_pilot(args.agent, scenario, is_greedy=args.greedy)
    shots = drive_shots(scenario, pilot, args.seed, args.last)
    title = f"{args.agent} in {scenario.name}, seed {args.seed}"
    write_video(args.output, film(scenario, shots, title), fps=scenario.sim.decision_hz)
    Console(stderr=True).print(f"{args.output}: {len(shots)} decisions, {shots[-1].caption}", markup=False)
    return 0


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
