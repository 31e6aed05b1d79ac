"""`probes study`: all stages on one agent, and the page that tells what came out."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from drivesim.arguments import natural_int
from probes.agent import DivergedError, ProbeError
from probes.cli import DIVERGED
from probes.cli.goggles import named_models
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.cli.subjects import scenario_of
from probes.domains.driving import DrivingAgent, load_agent
from probes.domains.driving_companions import choose_company
from probes.domains.driving_pages import build_study, headlines
from probes.domains.driving_replay import load_driver, load_scenario
from probes.domains.driving_study import (
    PRESETS,
    SCRATCH_MODELS,
    StudyConfig,
    plan,
    scratch_agent,
    scratch_steps,
)
from probes.domains.driving_weights import make_weights
from probes.domains.viewpoint import make_viewpoint
from probes.models import find_model, shipped_models
from probes.report.contract import FILE, load_study, save_study
from probes.state_models.model_store import load_model
from probes.study import Step, run_steps

AGENT = "reasonable-seg4"
SCENARIOS = ("reasonable", "distracted")


def add_parser(commands: Subparsers) -> None:
    """Add `study`."""
    parser = commands.add_parser("study", help="run all stages on one agent and write the page")
    parser.add_argument("domain", choices=("driving",), help="the family of environments")
    parser.add_argument("--preset", choices=tuple(PRESETS), default="smoke", help="how much is computed")
    parser.add_argument("--agent", help=f"a shipped name, a run or a directory; {AGENT} unless given")
    parser.add_argument(
        "--models",
        nargs="+",
        metavar="NAME=MODEL",
        help="state models, the searched one named crisp; those shipped for the agent unless given",
    )
    parser.add_argument(
        "--scenarios",
        nargs="+",
        default=list(SCENARIOS),
        metavar="SCENARIO",
        help="replayed in; from scratch, the agent learns in the first",
    )
    parser.add_argument("--from-scratch", action="store_true", help="train the agent and fit the models too")
    parser.add_argument(
        "--seed", type=natural_int, default=0, help="of the search, and of training and fitting from scratch"
    )
    add_common(parser, "runs/study")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Run what is missing or out of date, then write `study.json` and the page."""
    console, page = begin(args), args.output / "report.html"
    earlier = earlier_seconds(args.output, args.preset)
    seconds = make_from_scratch(args, console) if args.from_scratch else 0.0
    config, agent = configure(args)
    seconds += run_stages(plan(config, args.output), args, console)
    make_weights(args.output, agent, make_viewpoint(scenario_of(agent)))
    study = build_study(config, agent, args.preset, args.output, max(earlier, seconds))
    save_study(study, args.output)
    if run_command(("report", str(args.output), "-o", str(page))):
        raise ProbeError(f"{page}: was not written; {args.output / FILE} holds what it would tell")
    return finish(args, {"report": str(page), **headlines(study)}, console)


def make_from_scratch(args: argparse.Namespace, console: Console) -> float:
    """Train the agent and fit the models that are then studied; return the seconds that it took."""
    if args.agent or args.models:
        raise ProbeError("--from-scratch makes its own agent and models; leave out --agent and --models")
    scenario = args.scenarios[0]
    load_scenario(scenario)
    seconds = run_stages(scratch_steps(args.preset, scenario, args.output, args.seed), args, console)
    args.agent = str(scratch_agent(scenario, args.output))
    args.models = [f"{name}={args.output / name}" for name in SCRATCH_MODELS]
    return seconds


def configure(args: argparse.Namespace) -> tuple[StudyConfig, DrivingAgent]:
    """Find out what is studied, after a check that all of it fits.

    Raises:
        ProbeError: an agent, a model or a scenario is not there, or they do not fit.
    """
    name = args.agent or AGENT
    agent = load_agent(name)
    for scenario in args.scenarios:
        load_driver(name, load_scenario(scenario))
    models = named_models(args.models or shipped_for(agent.name))
    for path in models.values():
        load_model(path, agent)
    paths = {label: str(path) for label, path in models.items()}
    scenarios, amounts = tuple(args.scenarios), PRESETS[args.preset]
    config = StudyConfig(name, paths, scenarios, amounts, agent.actions, args.seed)
    company = choose_company(agent.name, name, config.model, shipped_models())
    for one in company.peers:
        load_model(find_model(one.model), load_agent(one.agent))
    return replace(config, company=company), agent


def shipped_for(agent: str) -> list[str]:
    """Name the state models that are shipped for an agent; the searched one, crisp, even if it is missing."""
    rest = (name for name in ("paper",) if f"{agent}-{name}" in shipped_models())
    return [f"{name}={agent}-{name}" for name in ("crisp", *rest)]


def run_stages(steps: list[Step], args: argparse.Namespace, console: Console) -> float:
    """Run stages; return the seconds that they took.

    Raises:
        DivergedError: the numbers of one are no longer finite.
        ProbeError: one failed otherwise.
    """
    statuses: list[int] = []

    def run_noted(words: tuple[str, ...]) -> int:
        statuses.append(run_command(words))
        return statuses[-1]

    try:
        return run_steps(threaded(steps, args), run_noted, console)
    except ProbeError as error:
        if statuses[-1:] == [DIVERGED]:
            raise DivergedError(str(error)) from error
        raise


def threaded(steps: list[Step], args: argparse.Namespace) -> list[Step]:
    """Tell every stage how many threads it may use, if that was asked for."""
    threads = ("--threads", str(args.threads)) if args.threads else ()
    return [Step(step.title, (*step.words, *threads)) for step in steps]


def earlier_seconds(directory: Path, preset: str) -> float:
    """Return how long the study took before, 0 if it is new: run again it skips its stages."""
    if not (directory / FILE).is_file():
        return 0.0
    try:
        earlier = load_study(directory)
    except ProbeError:  # of another version of this program; it will be written anew
        return 0.0
    return earlier.seconds or 0.0 if earlier.preset == preset else 0.0


def run_command(words: tuple[str, ...]) -> int:
    """Run one command of `probes`, or of `drivesim` if it begins with that, within this process."""
    if words[0] == "drivesim":
        from drivesim.cli import main as drivesim_main

        return drivesim_main(words[1:])
    from probes.cli import main

    return main(words)
