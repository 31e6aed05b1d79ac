"""`probes repair`: train on with what was found, and see what it did to what was not trained on."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from drivesim.arguments import natural_int, positive_int
from drivesim.scenario.loader import scenario_digest
from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.cli.numbers import in_brackets
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.cli.replay_moments import KIND as MOMENTS
from probes.domains.driving import DrivingAgent
from probes.domains.driving_repair import (
    AFTER,
    BEFORE,
    CONTROL,
    HELD_OUT,
    RECIPE,
    REPEATED,
    TRAINED,
    Drives,
    as_result,
    drive_all,
    halves,
    home_file,
    train_on,
    write_mix,
)
from probes.domains.driving_replay import load_driver, load_scenario
from probes.domains.registry import load_driving_agent
from probes.progress import track

KIND = "repair"
RESULT = "result.json"


def add_parser(commands: Subparsers) -> None:
    """Add `repair`."""
    parser = commands.add_parser("repair", help="train on with half of the hits found, and try the others")
    parser.add_argument("moments", type=Path, help="what `probes replay-moments` wrote")
    parser.add_argument("--agent", default="reasonable-seg4", help="who was probed, and is trained on")
    parser.add_argument(
        "--scenarios", nargs=2, default=["reasonable", "distracted"], metavar="SCENARIO",
        help="those that `replay-moments` was given",
    )  # fmt: skip
    parser.add_argument("--steps", type=positive_int, default=800_000, help="decisions it learns from")
    parser.add_argument("--episodes", type=positive_int, default=50, help="of each driver in each scenario")
    parser.add_argument("--seed", type=natural_int, default=1_000_100, help="of the first episode")
    parser.add_argument("--training-seed", type=natural_int, default=0, help="of what is learned")
    add_common(parser, "runs/repair")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Train and compare, unless it has been done; an interrupted training goes on."""
    console = begin(args)
    agent = load_driving_agent(args.agent, "probes repair")
    found = artifact.load(args.moments, MOMENTS)
    told = artifact.read_json(args.moments / "result.json")
    usual = driven_in(args, told["scenarios"])
    settings = {
        "agent": {"name": agent.name, "digest": agent.digest},
        "recipe": list(RECIPE),
        **{name: getattr(args, name) for name in ("steps", "episodes", "training_seed")},
    }
    parents = {"moments": found.path}
    if artifact.is_current(args.output, KIND, config=settings, seed=args.seed, parents=parents):
        console.print(f"{args.output}: up to date", markup=False, highlight=False, soft_wrap=True)
    else:
        trained, held_out = halves(args.moments, told["scenario_files"])
        result: dict[str, Any] = {
            TRAINED: [file.name for file in trained],
            HELD_OUT: [file.name for file in held_out],
            "why_not": why_not(len(trained) + len(held_out)),
        }
        if result["why_not"] is None:
            of_these = f"{found.digest[:12]}-{args.steps}-{args.training_seed}"
            runs = args.output.with_name(f"{args.output.name}.runs") / of_these
            train_both(args, agent, trained, runs)
            found_ones = {HELD_OUT: list(map(str, held_out)), TRAINED: list(map(str, trained))}
            result |= as_result(drive_three(args, runs, found_ones | usual, console))
        with artifact.writing(args.output, KIND, config=settings, seed=args.seed, parents=parents) as scratch:
            artifact.write_json(scratch / RESULT, {**settings, **result})
    result = artifact.read_json(args.output / RESULT)
    tell(result, console)
    return finish(args, {key: result[key] for key in result if key not in settings}, console)


def driven_in(args: argparse.Namespace, known: list[dict[str, str]]) -> dict[str, list[str]]:
    """Return the two scenarios by their names, after a check that moments were replayed in them.

    Raises:
        ProbeError: they were not, one is not there, or the agent does not fit it.
    """
    found = {}
    for given, one in zip(args.scenarios, known, strict=True):
        scenario = load_scenario(given)
        load_driver(args.agent, scenario)
        if scenario_digest(scenario) != one["digest"]:
            raise ProbeError(
                f"--scenarios: found {given!r} (sha256 {scenario_digest(scenario)[:8]}); allowed is"
                f" {one['name']!r} (sha256 {one['digest'][:8]}), in which {args.moments} was replayed"
            )
        found[scenario.name] = [given]
    return found


def why_not(found: int) -> str | None:
    """Say why there is nothing to train on, if so: one scenario to learn from and one to try are needed."""
    if found >= 2:
        return None
    return (
        f"of the hits that were found {found} could be written as a scenario that ends in a hit again for "
        f"{REPEATED:.0%} of its seeds; at least 2 are needed, one to learn from and one to try"
    )


def train_both(args: argparse.Namespace, agent: DrivingAgent, trained: list[Path], runs: Path) -> None:
    """Train the agent on, once with found scenarios and once without; what has begun goes on."""
    mix = runs / "mix"
    write_mix(trained, mix)
    home = home_file(agent, runs)
    for name, given in ((AFTER, mix), (CONTROL, None)):
        train_on(args.agent, home, runs / name, args.steps, args.training_seed, given)


def drive_three(
    args: argparse.Namespace, runs: Path, places: dict[str, list[str]], console: Console
) -> dict[str, Drives]:
    """Let the agent drive, and what came of it."""
    drivers = {BEFORE: args.agent, AFTER: str(runs / AFTER), CONTROL: str(runs / CONTROL)}
    seeds = range(args.seed, args.seed + args.episodes)
    total = len(drivers) * len(seeds) * sum(map(len, places.values()))
    with track(total, "drive before and after", "episodes", console) as bar:
        return {name: drive_all(who, places, seeds, bar.advance) for name, who in drivers.items()}


def tell(result: dict[str, Any], console: Console) -> None:
    """Show what came out."""
    if result["why_not"]:
        console.print(f"not trained: {result['why_not']}", markup=False, highlight=False, soft_wrap=True)
        return
    table = Table(
        "where", "who", "n", "avoidable hit", "m/s",
        caption="shares of the episodes, with 95% intervals; a found scenario counts as one trial",
    )  # fmt: skip
    for place in result["drivers"][BEFORE]:
        for name, by_place in result["drivers"].items():
            one = by_place[place]
            shares = in_brackets(one["avoidable"], ".0%"), in_brackets(one["mean_speed"], ".1f")
            table.add_row(place, name, str(one["trials"]), *shares)
    console.print(table)
    console.print(f"held-out scenarios: {result['verdict']}", markup=False, highlight=False)
