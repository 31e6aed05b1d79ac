"""`drivesim evaluate` and `drivesim agents`: how an agent drives, and which agents there are."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from drivesim.agents import agents_directory, shipped_agents
from drivesim.arguments import natural_int, positive_int
from drivesim.envs.vector import DEVELOPMENT
from drivesim.evaluation import Episode, drive, summarise
from drivesim.pilots import Pilot, load_pilot
from drivesim.rl.checkpoint import load_agent
from drivesim.scenario.loader import load
from drivesim.scenario.mix import in_words
from drivesim.scenario.schema import Scenario

RATES = {
    "person_per_km": "person hits / km",
    "avoidable_person_per_km": "of them avoidable / km",
    "car_per_km": "car hits / km",
    "offroad_per_km": "off-road / km",
    "red_per_km": "red lights run / km",
}


def add_parser(commands: Any) -> None:
    """Add `evaluate` and `agents`."""
    parser = commands.add_parser("evaluate", help="drive many episodes and estimate endings per km")
    parser.add_argument(
        "agent", metavar="AGENT", help="a shipped name, a run, a directory, or driver:blind|expert|parked"
    )
    parser.add_argument("scenario", metavar="SCENARIO", help="a shipped name, or a path")
    parser.add_argument("--episodes", type=positive_int, default=200)
    parser.add_argument(
        "--seed",
        type=natural_int,
        default=DEVELOPMENT,
        help="of the first episode; those from 1000000 up are for final figures",
    )
    parser.add_argument("--renderer", default="raycast", choices=("raycast", "bullet"))
    parser.add_argument("--sample", action="store_true", help="draw actions instead of taking the likeliest")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(func=run_evaluate)
    parser = commands.add_parser("agents", help="list the shipped agents")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(func=run_agents)


def drive_with_progress(
    scenario: Scenario, pilot: Pilot, seeds: range, label: str, renderer: Any = "raycast"
) -> list[Episode]:
    """Drive episodes behind a progress bar with its ETA, on stderr."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=len(seeds))
        return drive(
            scenario,
            pilot,
            seeds,
            renderer=renderer,
            on_episode=lambda done: progress.update(task, completed=done),
        )


def run_evaluate(args: argparse.Namespace) -> int:
    """Evaluate and print a table or JSON."""
    torch.set_num_threads(1)
    scenario = load(args.scenario)
    pilot, _ = load_pilot(args.agent, scenario, draws=args.sample)
    seeds = range(args.seed, args.seed + args.episodes)
    label = f"{args.agent} in {scenario.name}"
    summary = summarise(drive_with_progress(scenario, pilot, seeds, label, args.renderer))
    if args.json:
        head = {"agent": args.agent, "scenario": scenario.name, "seed": args.seed, "sample": args.sample}
        json.dump({**head, **summary}, sys.stdout, indent=2)
        print()
        return 0
    table = summary_table({label: summary})
    Console().print(table)
    return 0


def summary_table(summaries: dict[str, dict[str, Any]]) -> Table:
    """Lay summaries side by side, one column each, every estimate with its 95% interval."""
    table = Table("", *summaries, caption="in brackets: 95% intervals")
    columns = list(summaries.values())

    def interval(estimate: dict[str, float], digits: int = 2) -> str:
        value, low, high = (f"{estimate[key]:.{digits}f}" for key in ("value", "low", "high"))
        return f"{value} [{low}, {high}]"

    table.add_row("episodes", *(f"{s['episodes']}" for s in columns))
    table.add_row("distance, km", *(f"{s['km']:.1f}" for s in columns))
    table.add_row("distance per episode, m", *(interval(s["distance_per_episode_m"], 0) for s in columns))
    table.add_row("mean speed, m/s", *(interval(s["mean_speed_interval"]) for s in columns))
    for key, title in RATES.items():
        table.add_row(title, *(interval(s[key]) for s in columns))
    return table


def run_agents(args: argparse.Namespace) -> int:
    """List the shipped agents with what made them."""
    agents = {}
    for name in shipped_agents():
        network, metadata = load_agent(agents_directory() / name)
        layout = network.layout
        agents[name] = {
            "scenario": metadata.get("scenario"),
            "sees": f"{layout.stack} x {', '.join(layout.planes)} at {layout.width}x{layout.height}",
            "actions": metadata.get("actions"),
            "steps": metadata.get("training", {}).get("step"),
            "commands": metadata.get("commands", []),
        }
    if args.json:
        json.dump(agents, sys.stdout, indent=2)
        print()
        return 0
    table = Table("agent", "trained in", "sees", "steps of its last run")
    for name, about in agents.items():
        table.add_row(name, *(str(about[key]) for key in ("scenario", "sees", "steps")))
    console = Console(soft_wrap=True, markup=False, highlight=False)
    console.print(table)
    for name, about in agents.items():
        console.print(f"{name} was made by")
        for entry in about["commands"]:
            start = f"starting from {entry['init']}" if "init" in entry else f"from step {entry['from_step']}"
            mixed = f", on {in_words(entry['mix'])}" if "mix" in entry else ""
            console.print(f"  {entry['command']}  ({start}{mixed})")
    return 0
