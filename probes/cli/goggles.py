"""`probes goggles`: how well an agent plays while it sees through state models."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from rich.console import Console
from rich.table import Table as ShownTable

from drivesim.arguments import natural_int, positive_int
from probes.agent import ProbeError, action_index
from probes.artifacts import artifact
from probes.cli.numbers import in_brackets
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.cli.portion import Portion
from probes.cli.subjects import add_agent
from probes.data.collect import check_fit
from probes.data.episodes import Episodes, Player, Progress, play, recorded
from probes.data.simulation import SimulationFactory
from probes.domains.registry import AnyAgent, domain_of, load_agent, simulation_factory
from probes.measures.goggles import GogglesConfig, compare, constant, greedy, through
from probes.models import find_model
from probes.progress import track
from probes.state_models.model_store import load_model
from probes.statistics import Floats

KIND = "goggles"
RESULT = "result.json"
AGENT, FLOOR = "agent", "floor"
"""Names of the rows that are no state models."""
PRECISIONS = get_args(get_type_hints(GogglesConfig)["precision"])


def add_parser(commands: Subparsers) -> None:
    """Add `goggles`."""
    parser = commands.add_parser("goggles", help="let an agent play while it sees through state models")
    add_agent(parser, "who plays")
    parser.add_argument("--scenario", help="where it drives; where it learned unless given")
    parser.add_argument(
        "--models",
        nargs="+",
        required=True,
        metavar="NAME=MODEL",
        help="state models, each a directory or a shipped name, and what to call them",
    )
    parser.add_argument("--episodes", type=positive_int, default=20, help="as many as in the paper: 20")
    parser.add_argument("--seed", type=natural_int, default=1_000_000, help="of the first episode")
    parser.add_argument("--floor", help="the action that doing nothing takes: brake or noop unless given")
    parser.add_argument(
        "--hard", action="store_true", help="the agent sees the likeliest classes, not soft ones"
    )
    parser.add_argument("--precision", choices=PRECISIONS, default=GogglesConfig.precision)
    parser.add_argument("--worlds", type=positive_int, default=32, help="at most so many at once")
    add_common(parser, "runs/goggles")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Play, unless it has been done; what an interrupted run has played through is not played again."""
    console = begin(args)
    agent = load_agent(args.agent, args.game)
    models = named_models(args.models)
    args.floor = args.floor or domain_of(agent).floor
    factory = simulation_factory(agent, args.scenario)
    stage = Stage(args, agent, factory, models, _settings(args, agent, factory))
    parents = {f"model {name}": path for name, path in models.items()}
    settings = {**stage.settings, "models": list(models), "floor": args.floor, "goggles": _goggles(args)}
    if artifact.is_current(args.output, KIND, config=settings, seed=args.seed, parents=parents):
        console.print(f"{args.output}: up to date", markup=False, highlight=False, soft_wrap=True)
    else:
        with artifact.writing(args.output, KIND, config=settings, seed=args.seed, parents=parents) as scratch:
            artifact.write_json(scratch / RESULT, stage.compute(console))
    result = artifact.read_json(args.output / RESULT)
    tables = {name: result[name] for name in ("table", "clipped") if name in result}
    for name, table in tables.items():
        console.print(shown(table, "by the rewards' signs" if name == "clipped" else None))
    return finish(args, {**tables, "endings": _endings(result)}, console)


def named_models(given: Sequence[str]) -> dict[str, Path]:
    """Find state models given as NAME=MODEL, or MODEL, whose name is then the last part of its path.

    Raises:
        ProbeError: there is no such model, or a name is taken.
    """
    found: dict[str, Path] = {}
    for text in given:
        name, _, where = text.rpartition("=")
        path = find_model(where)
        name = name or path.name
        if name in (*found, AGENT, FLOOR) or not re.fullmatch(r"\w[\w.+-]*", name):
            raise ProbeError(
                f"--models: found the name {name!r}; allowed are different ones, of letters, digits and .+-_,"
                f" other than {AGENT}, {FLOOR}; write NAME={where}"
            )
        found[name] = path
    return found


def _goggles(args: argparse.Namespace) -> dict[str, Any]:
    return {"precision": args.precision, "is_hard": args.hard}


def _settings(args: argparse.Namespace, agent: AnyAgent, factory: SimulationFactory) -> dict[str, Any]:
    """Return what decides all episodes, after a check that the agent fits the simulation."""
    simulation = factory(1)
    simulation.close()
    check_fit(agent, simulation)
    action_index(simulation.actions, args.floor)
    return {
        "agent": {"name": agent.name, "digest": agent.digest},
        "simulation": {"name": simulation.name, "digest": simulation.digest},
        "episodes": args.episodes,
    }


@dataclass(frozen=True)
class Stage:
    """Everything that the episodes are played with."""

    args: argparse.Namespace
    agent: AnyAgent
    factory: SimulationFactory
    models: dict[str, Path]
    settings: dict[str, Any]

    def compute(self, console: Console) -> dict[str, Any]:
        """Play all rows; return what the artifact holds."""
        players = {AGENT: greedy(self.agent), FLOOR: constant(self.agent.actions, self.args.floor)}
        played = {}
        with track(2 * self.args.episodes, f"{self.agent.name} and floor", "episodes", console) as bar:
            for name, player in players.items():
                part = Portion(bar, self.args.episodes)
                played[name] = self._play_alone(name, player, part)
                part.fill()
        # About as many decisions as without goggles: how many it will be is not known before.
        each = int(played[AGENT].lengths.sum())
        with track(each * len(self.models), "through state models", "decisions", console) as bar:
            for name, path in self.models.items():
                part = Portion(bar, each)
                played[name] = self._play_through(name, path, part)
                part.fill()
        return self._result(played)

    def _play_alone(self, name: str, player: Player, part: Portion) -> Episodes:
        return self._play(name, player, lambda _, ended: part.reach(ended))

    def _play_through(self, name: str, path: Path, part: Portion) -> Episodes:
        model = load_model(path, self.agent).model
        config = GogglesConfig(precision=self.args.precision, is_hard=self.args.hard)
        player = through(self.agent, model, config)
        games = self.args.episodes

        def tell(decisions: int, ended: int) -> None:
            part.reach(decisions, model=name, ended=f"{ended} of {games}")

        return self._play(name, player, tell, path)

    def _play(self, name: str, player: Player, progress: Progress, model: Path | None = None) -> Episodes:
        args = self.args
        seeds = range(args.seed, args.seed + args.episodes)
        seen = {"floor": args.floor} if name == FLOOR else {} if model is None else _goggles(args)
        return recorded(
            args.output.with_name(f"{args.output.name}.episodes") / name,
            {**self.settings, "player": "model" if model else name, **seen},
            args.seed,
            {"model": model} if model else {},
            lambda: play(
                self.factory,
                player,
                seeds,
                worlds=args.worlds,
                odometer=domain_of(self.agent).odometer,
                progress=progress,
            ),
        )

    def _result(self, played: dict[str, Episodes]) -> dict[str, Any]:
        domain = domain_of(self.agent)
        clipped = {name: episodes.distances for name, episodes in played.items()}
        return {
            **self.settings,
            "seed": self.args.seed,
            "floor": self.args.floor,
            **_goggles(self.args),
            "table": self._table({name: episodes.returns for name, episodes in played.items()}),
            **({"clipped": self._table(clipped)} if domain.counts_clipped else {}),
            "happened": {name: domain.happened(episodes) for name, episodes in played.items()},
            "episodes": {name: episodes.to_json() for name, episodes in played.items()},
        }

    def _table(self, columns: dict[str, Floats]) -> dict[str, Any]:
        """Compare what is counted of the episodes (E,) of each row."""
        rows = {name: columns[name] for name in self.models}
        return compare(rows, columns[AGENT], columns[FLOOR]).to_json()


def _endings(result: dict[str, Any]) -> dict[str, Any]:
    return {name: told["endings"] for name, told in result["happened"].items()}


def shown(table: dict[str, Any], title: str | None = None) -> ShownTable:
    """Lay the table out for a terminal."""
    laid = ShownTable(
        "sees through",
        "return",
        "less the agent's",
        "kept",
        title=title,
        caption="in brackets: 95% intervals",
    )
    laid.add_row("nothing: the agent", in_brackets(table["agent"]), "", "")
    for name, row in table["rows"].items():
        laid.add_row(name, *(in_brackets(row[key]) for key in ("returns", "difference", "kept")))
    laid.add_row("nothing: the floor", in_brackets(table["floor"]), "", "")
    return laid
