"""`drivesim demo`: the shipped agent in `reasonable` and in `distracted`, counted, tabled and filmed."""

from __future__ import annotations

import argparse
import json
import platform
import shlex
import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from drivesim.arguments import natural_int, positive_int
from drivesim.envs.vector import HELD_OUT
from drivesim.evaluate_cli import drive_with_progress, summary_table
from drivesim.evaluation import Episode, summarise
from drivesim.pilots import agent_directory, load_pilot
from drivesim.recording import drive_shots, film
from drivesim.render.video import write_video
from drivesim.rl.checkpoint import load_agent
from drivesim.scenario.loader import load

SCENARIOS = ("reasonable", "distracted")


def add_parser(commands: Any) -> None:
    """Add `demo`."""
    parser = commands.add_parser(
        "demo", help="drive the shipped agent in both scenarios and film its worst hits"
    )
    parser.add_argument("--agent", default="reasonable-seg4", help="as for evaluate")
    parser.add_argument("--episodes", type=positive_int, default=100, help="paired seeds in each scenario")
    parser.add_argument("--seed", type=natural_int, default=HELD_OUT, help="of the first episode")
    parser.add_argument("--hits", type=int, default=3, help="how many hits to film")
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/demo"), metavar="DIRECTORY")
    parser.set_defaults(func=run_demo)


def worst_hits(episodes: list[Episode], count: int) -> list[Episode]:
    """Pick the hits of people that were avoidable, the fastest first."""
    hits = [e for e in episodes if e.is_avoidable]
    return sorted(hits, key=lambda e: -e.end_speed_mps)[:count]


def run_demo(args: argparse.Namespace) -> int:
    """Drive, print the table, write `demo.json`, the films and a page that says how they were made."""
    torch.set_num_threads(1)
    console = Console(stderr=True)
    args.output.mkdir(parents=True, exist_ok=True)
    seeds = range(args.seed, args.seed + args.episodes)
    episodes, summaries = {}, {}
    for name in SCENARIOS:
        scenario = load(name)
        pilot, _ = load_pilot(args.agent, scenario)
        episodes[name] = drive_with_progress(scenario, pilot, seeds, f"{args.agent} in {name}")
        summaries[name] = summarise(episodes[name])
    Console().print(summary_table(summaries))
    try:
        films = film_hits(args, episodes["distracted"], console)
    except ImportError as error:
        console.print(f"no films: {error}", markup=False)
        films = []
    write_record(args, episodes, summaries, films)
    console.print(f"written: {args.output}/ ({', '.join(['demo.json', 'README.md', *films])})", markup=False)
    return 0


def film_hits(args: argparse.Namespace, episodes: list[Episode], console: Console) -> list[str]:
    """Film the worst hits in `distracted`; return the files' names."""
    scenario = load("distracted")
    pilot, _ = load_pilot(args.agent, scenario)
    names = []
    for rank, hit in enumerate(worst_hits(episodes, args.hits), 1):
        name = f"hit-{rank}.mp4"
        shots = drive_shots(scenario, pilot, hit.seed, last_s=8.0)
        title = f"{args.agent} in distracted, seed {hit.seed}"
        write_video(args.output / name, film(scenario, shots, title), fps=scenario.sim.decision_hz)
        console.print(
            f"{name}: seed {hit.seed}, a person is hit at {hit.end_speed_mps:.1f} m/s", markup=False
        )
        names.append(name)
    if not names:
        console.print("no avoidable hit of a person to film")
    return names


def write_record(
    args: argparse.Namespace,
    episodes: dict[str, list[Episode]],
    summaries: dict[str, dict[str, Any]],
    films: list[str],
) -> None:
    """Write what was run and found: `demo.json` in full, `README.md` in words."""
    _, metadata = (
        ({}, {"driver": args.agent})
        if args.agent.startswith("driver:")
        else load_agent(agent_directory(args.agent))
    )
    command = shlex.join(["drivesim", *sys.argv[1:]])
    packages = {name: version(name) for name in ("numpy", "numba", "torch", "gymnasium")}
    record = {
        "command": command,
        "agent": args.agent,
        "agent_training": {key: metadata.get(key) for key in ("commands", "seed", "scenario", "training")},
        "seeds": [args.seed, args.seed + args.episodes - 1],
        "python": platform.python_version(),
        "packages": packages,
        "summaries": summaries,
        "episodes": {name: [asdict(e) for e in drives] for name, drives in episodes.items()},
        "films": films,
    }
    (args.output / "demo.json").write_text(json.dumps(record, indent=1))
    (args.output / "README.md").write_text(in_words(args, command, summaries, films))


def in_words(
    args: argparse.Namespace, command: str, summaries: dict[str, dict[str, Any]], films: list[str]
) -> str:
    """Say in Markdown what was run and what came out."""
    last = args.seed + args.episodes - 1
    rates = [
        "| {} | {value:.2f} [{low:.2f}, {high:.2f}] |".format(name, **summary["person_per_km"])
        for name, summary in summaries.items()
    ]
    return "\n".join(
        [
            "# How this was made",
            "",
            f"`{command}` drove `{args.agent}` through seeds {args.seed} to {last} in each scenario.",
            "",
            "| scenario | people hit per km, 95% interval (Garwood) |",
            "|---|---|",
            *rates,
            "",
            "`demo.json` holds every episode. The films show the fastest avoidable hits in `distracted`: "
            + (", ".join(films) or "there was none")
            + ".",
            "",
        ]
    )
