"""`probes braking`: how often an agent brakes in real roll-outs while nothing asks for it (experiment 1)."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from rich.console import Console
from rich.table import Table

from drivesim.arguments import natural_int, positive_int
from drivesim.scenario.loader import scenario_digest
from drivesim.scenario.schema import Scenario
from probes.artifacts import artifact
from probes.cli.numbers import in_brackets
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.cli.portion import Portion
from probes.domains.driving import DrivingAgent
from probes.domains.driving_braking import MOVING, measure_braking, without_traffic
from probes.domains.driving_replay import chosen_scenario
from probes.domains.registry import load_driving_agent
from probes.progress import track

KIND = "braking"
RESULT = "result.json"


def add_parser(commands: Subparsers) -> None:
    """Add `braking`."""
    parser = commands.add_parser(
        "braking", help="count how often an agent brakes, with traffic and on the same road without"
    )
    parser.add_argument("--agent", default="mixed-full8", help="a shipped name, a run or a directory")
    parser.add_argument("--scenario", help="with traffic; where it learned unless given")
    parser.add_argument("--episodes", type=positive_int, default=50, help="seeds, with and without traffic")
    parser.add_argument("--seed", type=natural_int, default=1_000_000, help="of the first episode")
    parser.add_argument("--worlds", type=positive_int, default=16, help="at most so many at once")
    add_common(parser, "runs/braking")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Drive and count, unless it has been done."""
    console = begin(args)
    agent = load_driving_agent(args.agent, "probes braking")
    scenario = chosen_scenario(args.scenario, agent)
    settings = {
        "agent": {"name": agent.name, "digest": agent.digest},
        "scenario": scenario.name,
        "digest": scenario_digest(scenario),
        "episodes": args.episodes,
        "moving": MOVING,
    }
    if artifact.is_current(args.output, KIND, config=settings, seed=args.seed, parents={}):
        console.print(f"{args.output}: up to date", markup=False, highlight=False, soft_wrap=True)
    else:
        with artifact.writing(args.output, KIND, config=settings, seed=args.seed, parents={}) as scratch:
            roads = measure_both(args, agent, scenario, console)
            artifact.write_json(scratch / RESULT, {**settings, "roads": roads})
    roads = artifact.read_json(args.output / RESULT)["roads"]
    console.print(shown(roads))
    return finish(args, {"roads": roads}, console)


def measure_both(
    args: argparse.Namespace, agent: DrivingAgent, scenario: Scenario, console: Console
) -> dict[str, Any]:
    """Drive without traffic and with it; return what was found by road and condition."""
    seeds = range(args.seed, args.seed + args.episodes)
    longest = round(scenario.sim.episode_s * scenario.sim.decision_hz) * len(seeds)
    found = {}
    with track(2 * longest, f"braking of {agent.name}", "decisions", console) as bar:
        for road, where in (("without traffic", without_traffic(scenario)), ("with traffic", scenario)):
            part = Portion(bar, longest)
            counts = measure_braking(agent, where, seeds, args.worlds, partial(_reach, part))
            part.fill()
            found[road] = {condition: braking.to_json() for condition, braking in counts.items()}
    return found


def _reach(part: Portion, decisions: int, _finished: int) -> None:
    part.reach(decisions)


def shown(roads: dict[str, Any]) -> Table:
    """Lay the shares out for a terminal."""
    table = Table(
        "road", "condition", "decisions", "brakes", "mean probability", "episodes with a brake",
        caption="in brackets: 95% intervals",
    )  # fmt: skip
    for road, conditions in roads.items():
        for condition, found in conditions.items():
            estimates = (in_brackets(found[key], ".2%") for key in ("share", "mean_probability", "episodes"))
            table.add_row(road, condition, f"{found['decisions']:,}", *estimates)
    return table
