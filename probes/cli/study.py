"""`probes study`: all stages on one agent, and the page that tells what came out."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from drivesim.arguments import natural_int
from probes.agent import DivergedError, ProbeError
from probes.cli import DIVERGED
from probes.cli.goggles import named_models
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.cli.subjects import scenario_of
from probes.domains import atari_pages, atari_study
from probes.domains.atari import find_game
from probes.domains.atari_agents import AtariAgent
from probes.domains.driving_companions import choose_company
from probes.domains.driving_pages import build_study, headlines
from probes.domains.driving_replay import load_driver, load_scenario
from probes.domains.driving_study import (
    PRESETS,
    StudyConfig,
    plan,
    scratch_agent,
    scratch_steps,
)
from probes.domains.driving_weights import make_weights
from probes.domains.model_records import records
from probes.domains.registry import AnyAgent, load_agent, load_driving_agent
from probes.domains.study_steps import SCRATCH_MODELS, searched_model
from probes.domains.viewpoint import make_viewpoint
from probes.models import find_model, shipped_models
from probes.report.contract import FILE, Study, load_study, save_study
from probes.state_models.model_store import load_model
from probes.study import Step, run_steps

AGENT = "reasonable-seg4"
SCENARIOS = ("reasonable", "distracted")


def add_parser(commands: Subparsers) -> None:
    """Add `study`."""
    parser = commands.add_parser("study", help="run all stages on one agent and write the page")
    parser.add_argument("domain", choices=tuple(DOMAINS), help="the family of environments")
    parser.add_argument("--preset", choices=tuple(PRESETS), default="smoke", help="how much is computed")
    parser.add_argument(
        "--agent", help=f"a shipped name, a run or a directory; {AGENT}, or GAME-dqn, unless given"
    )
    parser.add_argument("--game", help="of atari, such as seaquest")
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
        help="of driving: replayed in; from scratch, the agent learns in the first",
    )
    parser.add_argument("--from-scratch", action="store_true", help="train the agent and fit the models too")
    parser.add_argument(
        "--seed", type=natural_int, default=0, help="of the search, and of training and fitting from scratch"
    )
    add_common(parser, "runs/study")
    parser.set_defaults(func=run)


class Plan(NamedTuple):
    """What is left of a study once its agent and its state models are there."""

    steps: list[Step]
    compose: Callable[[float], Study]
    """Makes the page's contents, given the seconds that the stages took."""


class Family(NamedTuple):
    """How studies of a family of environments are made."""

    scratch: Callable[[argparse.Namespace], tuple[list[Step], Path]]
    """The stages that make an agent and its state models, and where the agent will lie."""
    configure: Callable[[argparse.Namespace], Plan]


def run(args: argparse.Namespace) -> int:
    """Run what is missing or out of date, then write `study.json` and the page."""
    console, page = begin(args), args.output / "report.html"
    family = DOMAINS[args.domain]
    seconds = make_from_scratch(family, args, console) if args.from_scratch else 0.0
    steps, compose = family.configure(args)
    seconds += run_stages(steps, args, console)
    study = write_page(compose(seconds), args.output, page)
    return finish(args, {"report": str(page), **headlines(study)}, console)


def make_from_scratch(family: Family, args: argparse.Namespace, console: Console) -> float:
    """Train the agent and fit the models that are then studied; return the seconds that it took."""
    if args.agent or args.models:
        raise ProbeError("--from-scratch makes its own agent and models; leave out --agent and --models")
    steps, agent = family.scratch(args)
    seconds = run_stages(steps, args, console)
    args.agent = str(agent)
    args.models = [f"{name}={args.output / name}" for name in SCRATCH_MODELS]
    return seconds


def scratch_driving(args: argparse.Namespace) -> tuple[list[Step], Path]:
    """List the stages that make a driving agent and its state models."""
    scenario = args.scenarios[0]
    load_scenario(scenario)
    return scratch_steps(args.preset, scenario, args.output, args.seed), scratch_agent(scenario, args.output)


def scratch_atari(args: argparse.Namespace) -> tuple[list[Step], Path]:
    """List the stages that make an Atari agent and its state models."""
    game = require_game(args)
    return (
        atari_study.scratch_steps(args.preset, game, args.output, args.seed),
        atari_study.scratch_agent(game, args.output),
    )


def configure_driving(args: argparse.Namespace) -> Plan:
    """Find out what is studied, after a check that all of it fits.

    Raises:
        ProbeError: an agent, a model or a scenario is not there, or they do not fit.
    """
    if args.game:
        raise ProbeError(f"--game: found {args.game!r}; a game is of `probes study atari`")
    name = args.agent or AGENT
    agent = load_driving_agent(name, "probes study driving")
    for scenario in args.scenarios:
        load_driver(name, load_scenario(scenario))
    models = fitting_models(args, agent)
    scenarios, amounts = tuple(args.scenarios), PRESETS[args.preset]
    config = StudyConfig(name, models, scenarios, amounts, agent.actions, args.seed)
    company = choose_company(agent.name, name, config.model, shipped_models(), amounts.asks_other_model)
    for one in company.peers:
        load_model(find_model(one.model), load_driving_agent(one.agent, "probes study driving"))
    config = replace(config, company=company)

    def compose(seconds: float) -> Study:
        make_weights(args.output, agent, make_viewpoint(scenario_of(agent)))
        return build_study(config, agent, args.preset, args.output, seconds)

    return Plan(plan(config, args.output), compose)


def configure_atari(args: argparse.Namespace) -> Plan:
    """Find out what is studied, after a check that all of it fits.

    Raises:
        ProbeError: an agent, a game or a model is not there, or they do not fit.
    """
    game = require_game(args)
    name = args.agent or f"{game}-dqn"
    agent = load_agent(name, game)
    assert isinstance(agent, AtariAgent)  # one that drives plays no game
    models, amounts = fitting_models(args, agent), atari_study.PRESETS[args.preset]
    is_read = args.preset == "smoke" and bool(records(Path(searched_model(models)), "goggles"))
    config = atari_study.StudyConfig(
        name, game, models, amounts, agent.actions, agent.has_critic, args.seed, is_read
    )

    def compose(seconds: float) -> Study:
        return atari_pages.build_study(config, agent, args.preset, args.output, seconds)

    return Plan(atari_study.plan(config, args.output), compose)


DOMAINS = {
    "driving": Family(scratch_driving, configure_driving),
    "atari": Family(scratch_atari, configure_atari),
}


def require_game(args: argparse.Namespace) -> str:
    """Return the game that was asked for, as the emulator names it.

    Raises:
        ProbeError: none was, or there is no such game.
    """
    if not args.game:
        raise ProbeError("probes study atari: no game is given; name one by --game, such as seaquest")
    return find_game(args.game)


def fitting_models(args: argparse.Namespace, agent: AnyAgent) -> dict[str, str]:
    """Return where the state models lie, by name, after a check that they fit the agent.

    Raises:
        ProbeError: there is none, or it does not fit.
    """
    models = named_models(args.models or shipped_for(agent.name))
    for path in models.values():
        load_model(path, agent)
    return {label: str(path) for label, path in models.items()}


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


def write_page(study: Study, directory: Path, page: Path) -> Study:
    """Keep what a page tells and draw it; return what it tells, which is what it told if nothing is new.

    Raises:
        ProbeError: the page cannot be written.
    """
    study = unchanged(study, directory)
    save_study(study, directory)
    if run_command(("report", str(directory), "-o", str(page))):
        raise ProbeError(f"{page}: was not written; {directory / FILE} holds what it would tell")
    return study


def unchanged(study: Study, directory: Path) -> Study:
    """Return the contents that were written before, if they are the same but for when they were written.

    Then the page is up to date. How long its stages took is kept too: run again, they are skipped.
    """
    try:
        earlier = load_study(directory)
    except ProbeError:  # there are none, or they are of another version of this program
        return study
    if earlier.preset == study.preset:
        study = replace(study, seconds=max(earlier.seconds or 0.0, study.seconds or 0.0))
    return earlier if replace(study, created=earlier.created) == earlier else study


def run_command(words: tuple[str, ...]) -> int:
    """Run one command of `probes`, or of `drivesim` if it begins with that, within this process."""
    if words[0] == "drivesim":
        from drivesim.cli import main as drivesim_main

        return drivesim_main(words[1:])
    from probes.cli import main

    return main(words)
