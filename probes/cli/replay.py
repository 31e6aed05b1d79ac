"""`probes replay`: the same seeds in several scenarios, what happened, and the worst of it on film."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from drivesim.arguments import natural_int, positive_int
from drivesim.pilots import SCRIPTED
from drivesim.scenario.loader import scenario_digest
from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.cli.numbers import in_brackets
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.cli.portion import Portion
from probes.domains.driving_replay import (
    can_film,
    drive_seeds,
    film_worst,
    load_driver,
    load_scenario,
    pilot_identity,
)
from probes.domains.registry import load_driving_agent
from probes.progress import Track, track
from probes.replay import Outcome, contrast, replay, summarise, worst

KIND = "replay"
RESULT = "result.json"
NO_FILMS = "PyBullet, which draws the car from behind, is not installed"
NO_HITS = "no hit that could have been avoided, or none that happened again when it was driven alone"
NOT_WANTED = "none were asked for"

Outcomes = dict[str, dict[str, list[Outcome]]]
"""By agent and scenario."""


def add_parser(commands: Subparsers) -> None:
    """Add `replay`."""
    parser = commands.add_parser("replay", help="drive the same seeds in several scenarios and compare")
    parser.add_argument(
        "--agent", "--agents", dest="agents", nargs="+", default=["reasonable-seg4"], metavar="AGENT",
        help="shipped names, runs, directories, or driver:blind|expert|parked",
    )  # fmt: skip
    parser.add_argument("--scenarios", nargs="+", default=["reasonable", "distracted"], metavar="SCENARIO")
    parser.add_argument("--episodes", type=positive_int, default=100, help="seeds, the same in each scenario")
    parser.add_argument("--seed", type=natural_int, default=1_000_000, help="of the first episode")
    parser.add_argument("--films", type=natural_int, default=1, help="worst hits to film, of each scenario")
    add_common(parser, "runs/replay")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Drive, compare and film, unless it has been done."""
    console = begin(args)
    settings = manifest_config(args)
    if artifact.is_current(args.output, KIND, config=settings, seed=args.seed, parents={}):
        console.print(f"{args.output}: up to date", markup=False, highlight=False, soft_wrap=True)
    else:
        with artifact.writing(args.output, KIND, config=settings, seed=args.seed, parents={}) as scratch:
            outcomes = drive_all(args, console)
            films = film_all(args, outcomes, scratch, console)
            artifact.write_json(scratch / RESULT, {**settings, **as_result(outcomes), **films})
    result = artifact.read_json(args.output / RESULT)
    console.print(shown(result["summaries"]))
    told = {key: result[key] for key in ("summaries", "contrasts", "films", "no_films")}
    return finish(args, told, console)


def manifest_config(args: argparse.Namespace) -> dict[str, Any]:
    """Return what decides the result, after a check that every agent fits every scenario.

    Raises:
        ProbeError: an agent or a scenario is not there, is named twice, or they do not fit.
    """
    for name in args.agents:
        if not name.startswith(SCRIPTED):
            load_driving_agent(name, "probes replay")
    agents = [pilot_identity(name) for name in args.agents]
    labels = [str(agent["name"]) for agent in agents]
    if len(set(labels)) < len(labels):
        raise ProbeError(f"--agents: found {', '.join(labels)}; allowed are agents of different names")
    scenarios = []
    for given in args.scenarios:
        scenario = load_scenario(given)
        for agent in args.agents:
            load_driver(agent, scenario)
        digest = scenario_digest(scenario)
        scenarios.append({"name": scenario.name, "digest": digest})
    return {
        "agents": agents,
        "scenarios": scenarios,
        "episodes": args.episodes,
        "films_wanted": args.films,
        "can_film": can_film(),
    }


def drive_all(args: argparse.Namespace, console: Console) -> Outcomes:
    """Drive every agent through the same seeds of every scenario."""
    seeds = range(args.seed, args.seed + args.episodes)
    total = len(args.agents) * len(args.scenarios) * args.episodes
    outcomes: Outcomes = {}
    with track(total, "replay", "episodes", console) as bar:
        for name in args.agents:
            play = partial(_drive, bar, name)
            found = replay(play, args.scenarios, seeds)
            by_scenario = {load_scenario(given).name: drives for given, drives in found.items()}
            outcomes[str(pilot_identity(name)["name"])] = by_scenario
    return outcomes


def _drive(bar: Track, agent: str, scenario: str, seeds: range) -> list[Outcome]:
    part = Portion(bar, len(seeds))
    return drive_seeds(agent, scenario, seeds, part.reach)


def film_all(
    args: argparse.Namespace, outcomes: Outcomes, directory: Path, console: Console
) -> dict[str, Any]:
    """Film the worst hits of each agent in each scenario; say why not if it cannot be done."""
    drives = list(zip(args.agents, outcomes.values(), strict=True))
    wanted = [
        (agent, scenario, hits)
        for agent, by_scenario in drives
        for scenario, hits in zip(args.scenarios, map(worst, by_scenario.values()), strict=True)
        if hits and args.films
    ]
    if wanted and not can_film():
        console.print(f"no films: {NO_FILMS}", markup=False, highlight=False)
        return {"films": [], "no_films": NO_FILMS}
    films = []
    with track(len(wanted), "film", "scenarios", console) as bar:
        for agent, scenario, hits in wanted:
            films += [asdict(film) for film in film_worst(agent, scenario, hits, directory, args.films)]
            bar.advance()
    return {"films": films, "no_films": None if films else NO_HITS if args.films else NOT_WANTED}


def as_result(outcomes: Outcomes) -> dict[str, Any]:
    """Sum up the outcomes, compare them in pairs, and list them all."""
    return {
        "summaries": _mapped(outcomes, lambda drives: summarise(drives).to_json()),
        "contrasts": contrasts(outcomes),
        "worst": _mapped(outcomes, lambda drives: next(map(asdict, worst(drives)), None)),
        "outcomes": _mapped(outcomes, lambda drives: [asdict(drive) for drive in drives]),
    }


def _mapped(outcomes: Outcomes, tell: Callable[[list[Outcome]], Any]) -> dict[str, dict[str, Any]]:
    return {
        agent: {scenario: tell(drives) for scenario, drives in by_scenario.items()}
        for agent, by_scenario in outcomes.items()
    }


def contrasts(outcomes: Outcomes) -> list[dict[str, Any]]:
    """Compare the scenarios of each agent, and the agents in each scenario, two at a time."""
    sides = [
        ({"agent": agent, "scenario": scenario}, drives)
        for agent, by_scenario in outcomes.items()
        for scenario, drives in by_scenario.items()
    ]
    return [
        {"before": first, "other": second, **contrast(before, other).to_json()}
        for (first, before), (second, other) in combinations(sides, 2)
        if first["agent"] == second["agent"] or first["scenario"] == second["scenario"]
    ]


def shown(summaries: dict[str, dict[str, Any]]) -> Table:
    """Lay the summaries out for a terminal."""
    table = Table(
        "agent", "scenario", "km", "m/s", "people hit / km", "avoidable / km",
        caption="in brackets: 95% intervals",
    )  # fmt: skip
    for agent, by_scenario in summaries.items():
        for scenario, found in by_scenario.items():
            estimates = (found[key] for key in ("mean_speed", "hits_per_km", "avoidable_per_km"))
            table.add_row(
                agent,
                scenario,
                f"{found['km']:.1f}",
                *(in_brackets(estimate, ".2f") for estimate in estimates),
            )
    return table
