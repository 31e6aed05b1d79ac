"""`drivesim record`: one episode on film."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from drivesim.arguments import natural_int
from drivesim.envs.vector import DEVELOPMENT
from drivesim.pilots import load_pilot
from drivesim.recording import drive_shots, film
from drivesim.render.video import write_gif, write_video
from drivesim.scenario.loader import load


def add_parser(commands: Any) -> None:
    """Add `record`."""
    parser = commands.add_parser("record", help="film one episode")
    parser.add_argument("agent", metavar="AGENT", help="as for evaluate")
    parser.add_argument("scenario", metavar="SCENARIO", help="a shipped name, or a path")
    parser.add_argument("--seed", type=natural_int, default=DEVELOPMENT, help="of the episode")
    parser.add_argument("--last", type=float, default=60.0, metavar="S", help="only the last seconds")
    parser.add_argument("--sample", action="store_true", help="draw actions instead of taking the likeliest")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.mp4|FILE.gif")
    parser.set_defaults(func=run_record)


def run_record(args: argparse.Namespace) -> int:
    """Film an episode from the agent's camera and from behind."""
    torch.set_num_threads(1)
    scenario = load(args.scenario)
    pilot, _ = load_pilot(args.agent, scenario, draws=args.sample)
    shots = drive_shots(scenario, pilot, args.seed, args.last)
    title = f"{args.agent} in {scenario.name}, seed {args.seed}"
    pictures, fps = film(scenario, shots, title), scenario.sim.decision_hz
    if args.output.suffix == ".gif":
        write_gif(args.output, list(pictures), fps)
    else:
        write_video(args.output, pictures, fps)
    Console(stderr=True).print(f"{args.output}: {len(shots)} decisions, {shots[-1].caption}", markup=False)
    return 0
