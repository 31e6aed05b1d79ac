"""`probes oxygen`: what a Seaquest agent dies of, beside how often states show low oxygen (Sec. 4.4)."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from drivesim.arguments import natural_int, positive_int
from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.cli.numbers import in_brackets
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.cli.portion import Portion
from probes.cli.subjects import add_agent, unique_names
from probes.data.collect import check_fit
from probes.data.state_set import StateSet, load_states
from probes.domains.atari_agents import AtariAgent
from probes.domains.atari_consoles import ConsoleConfig
from probes.domains.atari_simulation import AtariSimulation
from probes.domains.imported_agents import is_imported
from probes.domains.registry import load_agent
from probes.domains.seaquest import FULL, GAME, Deaths, Factory, compare, count_deaths
from probes.domains.seaquest_oxygen import LOW, READABLE, check_reading, describe
from probes.measures.goggles import greedy
from probes.progress import track
from probes.synthesis.findings import Findings, load_findings_of
from probes.synthesis.manifold import EXTREME

KIND = "oxygen"
RESULT = "result.json"
DEATHS = "deaths"
"""Kind of the artifact, and name of the file, that holds the games of one condition."""
CONDITIONS = {"normal": False, "kept full": True}
"""Whether the oxygen is kept full, by the name of the condition."""


def add_parser(commands: Subparsers) -> None:
    """Add `oxygen`."""
    parser = commands.add_parser(
        "oxygen", help="count what a Seaquest agent dies of, and how often findings show low oxygen"
    )
    parser.add_argument("findings", nargs="*", type=Path, help="what `probes search` wrote")
    add_agent(parser, "who plays")
    parser.set_defaults(agent=f"{GAME}-dqn")
    parser.add_argument("--states", type=Path, help="the states that the search was given")
    parser.add_argument("--episodes", type=positive_int, default=100, help="seeds, of either condition")
    parser.add_argument("--seed", type=natural_int, default=1_000_000, help="of the first episode")
    parser.add_argument("--worlds", type=positive_int, default=32, help="at most so many at once")
    add_common(parser, "runs/oxygen")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Play and count, unless it has been done; a condition that was played through is not played again."""
    console = begin(args)
    stage = load_stage(args)
    parents = {**({"states": stage.states.path} if stage.states else {}), **stage.findings}
    settings = {**stage.settings, "low": LOW, "readable": READABLE, "extreme": EXTREME}
    if artifact.is_current(args.output, KIND, config=settings, seed=args.seed, parents=parents):
        console.print(f"{args.output}: up to date", markup=False, highlight=False, soft_wrap=True)
    else:
        shown = tell_shown(stage.states, stage.findings)  # first, for what is wrong with it shows at once
        result = {**stage.settings, "seed": args.seed, "low": LOW, **shown, **tell_deaths(stage, console)}
        with artifact.writing(args.output, KIND, config=settings, seed=args.seed, parents=parents) as scratch:
            artifact.write_json(scratch / RESULT, result)
    result = artifact.read_json(args.output / RESULT)
    for table in (deaths_table(result), shown_table(result)):
        console.print(table)
    names = ("conditions", "difference", "real", "reading", "targets")
    return finish(args, {name: result[name] for name in names}, console)


class Stage(NamedTuple):
    """What the command line named."""

    args: argparse.Namespace
    agent: AtariAgent
    factory: Factory
    states: StateSet | None
    findings: dict[str, Path]
    settings: dict[str, Any]
    """What decides the games."""


def load_stage(args: argparse.Namespace) -> Stage:
    """Load it, after a check that all of it fits.

    Raises:
        ProbeError: the agent plays another game or none, or findings are given without their states.
    """
    agent = load_player(args.agent, args.game)
    if args.findings and args.states is None:
        raise ProbeError("probes oxygen: findings are given without states; name theirs by --states")
    states = None if args.states is None else load_states(args.states)
    if states is not None and states.config.get("simulation", {}).get("name") != GAME:
        raise ProbeError(f"{args.states}: holds no states of {GAME}; collect them with this agent")
    factory = partial(AtariSimulation, ConsoleConfig(agent.game, sticky=agent.sticky))
    simulation = factory(1)
    simulation.close()
    check_fit(agent, simulation)
    settings = {
        "agent": {"name": agent.name, "digest": agent.digest},
        "simulation": {"name": simulation.name, "digest": simulation.digest},
        "episodes": args.episodes,
        "full": FULL,
    }
    return Stage(args, agent, factory, states, unique_names(args.findings, "real", "states"), settings)


def load_player(name: str, game: str | None) -> AtariAgent:
    """Load an agent that plays Seaquest.

    Raises:
        ProbeError: there is none, or it does something else.
    """
    agent = load_agent(name, game or (GAME if is_imported(name) else None))
    if not isinstance(agent, AtariAgent):
        raise ProbeError(f"probes oxygen is about the game {GAME!r}, but agent {agent.name!r} drives")
    if agent.game != GAME:
        raise ProbeError(f"probes oxygen is about the game {GAME!r}, but {agent.name!r} plays {agent.game!r}")
    return agent


def tell_deaths(stage: Stage, console: Console) -> dict[str, Any]:
    """Play the same seeds under both conditions; return causes of death, and by how much games differ."""
    episodes = stage.args.episodes
    played = {}
    with track(len(CONDITIONS) * episodes, f"games of {stage.agent.name}", "games", console) as bar:
        for name in CONDITIONS:
            part = Portion(bar, episodes)
            played[name] = play_condition(stage, name, part)
            part.fill()
    normal, control = played.values()
    return {
        "conditions": {name: deaths.summary() for name, deaths in played.items()},
        "difference": compare(control, normal),
    }


def play_condition(stage: Stage, name: str, part: Portion) -> Deaths:
    """Play one condition, or read what an earlier run has left of it."""
    args, is_kept_full = stage.args, CONDITIONS[name]
    path = args.output.with_name(f"{args.output.name}.games") / name.replace(" ", "-")
    settings = {**stage.settings, "is_kept_full": is_kept_full}
    if not artifact.is_current(path, DEATHS, config=settings, seed=args.seed, parents={}):
        deaths = count_deaths(
            stage.factory,
            greedy(stage.agent),
            range(args.seed, args.seed + args.episodes),
            is_kept_full=is_kept_full,
            worlds=args.worlds,
            progress=lambda decisions, ended: part.reach(ended, oxygen=name, decisions=decisions),
        )
        with artifact.writing(path, DEATHS, config=settings, seed=args.seed, parents={}) as scratch:
            artifact.write_json(scratch / f"{DEATHS}.json", deaths.to_json())
    return Deaths.from_json(artifact.read_json(path / f"{DEATHS}.json"))


def tell_shown(states: StateSet | None, paths: dict[str, Path]) -> dict[str, Any]:
    """Return what recorded states and findings show; nothing of states that were not given."""
    if states is None:
        return {"real": None, "reading": None, "targets": {}}
    held_out = states.held_out_indices
    stored, memory = states.stored(held_out), states.situations.get("ram")
    return {
        "real": describe(stored),
        "reading": None if memory is None else check_reading(stored, memory[held_out].astype(np.uint8)),
        "targets": {
            name: tell_target(load_findings_of(path, states), states) for name, path in paths.items()
        },
    }


def tell_target(found: Findings, states: StateSet) -> dict[str, Any]:
    """Return what all findings of a target show, those that pass, and recorded states of the highest J."""
    return {
        "target": found.result["target"],
        "all": describe(found.stored),
        "passed": describe(found.stored[found.passes]),
        "real_highest": describe(states.stored(found.real_extreme)),
    }


def deaths_table(result: dict[str, Any]) -> Table:
    """Lay the causes of death out for a terminal."""
    table = Table(
        "oxygen", "lost by", "deaths", "share", "games with one", caption="in brackets: 95% intervals"
    )
    for condition, told in result["conditions"].items():
        for cause, one in told["causes"].items():
            shares = (in_brackets(one[key], ".1%") for key in ("share", "games"))
            table.add_row(condition, cause, str(one["deaths"]), *shares)
    return table


def shown_table(result: dict[str, Any]) -> Table:
    """Lay out how many states show low oxygen."""
    table = Table("states", "how many", "unreadable", "low oxygen", "low under water")
    parts = {name: told["passed"] for name, told in result["targets"].items()}
    for name, part in {"recorded": result["real"], **parts}.items():
        if part is not None:
            shares = (in_brackets(part[key], ".1%") for key in ("unreadable", "low", "danger"))
            table.add_row(name, str(part["states"]), *shares)
    return table
