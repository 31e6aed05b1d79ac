"""`probes ship-agent`: keep the agent of a finished run with the package: weights, curve, held-out games."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from drivesim.arguments import natural_int, positive_int
from drivesim.rl.checkpoint import AGENT
from drivesim.ship_cli import read_logs, write_curve
from probes import statistics
from probes.agent import ProbeError
from probes.agents import EVALUATION, agents_directory
from probes.artifacts import artifact, provenance
from probes.artifacts.replacement import replacing
from probes.cli.numbers import in_brackets
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.cli.portion import Portion
from probes.data.episodes import Episodes, play
from probes.domains.atari_agents import AtariAgent
from probes.domains.registry import domain_of, load_agent, simulation_factory
from probes.measures.goggles import constant, greedy
from probes.progress import track

PANELS = ("mean_return", "mean_value", "entropy", "value_loss")
"""What the picture of the curve shows, of what the run has logged."""


def add_parser(commands: Subparsers) -> None:
    """Add `ship-agent`."""
    parser = commands.add_parser("ship-agent", help="keep the agent of a run with the package, evaluated")
    parser.add_argument(
        "runs", nargs="+", type=Path, metavar="RUN", help="a run, after those it was started from, if any"
    )
    parser.add_argument("--episodes", type=positive_int, default=20, help="held-out games; 20 in the paper")
    parser.add_argument(
        "--constant-episodes", type=positive_int, metavar="EPISODES",
        help="games of each action taken always; as many unless given, fewer where such games hardly end",
    )  # fmt: skip
    parser.add_argument("--seed", type=natural_int, default=1_000_000, help="of the first game")
    add_common(parser, str(agents_directory()))
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Copy weights and curve, then evaluate the very file that was copied."""
    console = begin(args)
    source = args.runs[-1] / AGENT
    if not (source / f"{AGENT}.json").is_file():
        raise ProbeError(f"{args.runs[-1]}: holds no agent; allowed is a run that has saved one")
    args.output = args.output / args.runs[-1].resolve().name
    with replacing(args.output) as scratch:
        for suffix in ("json", "safetensors"):
            shutil.copy(source / f"{AGENT}.{suffix}", scratch)
        agent = load_agent(str(scratch))
        if not isinstance(agent, AtariAgent):
            raise ProbeError(f"{source}: drives; ship it by `drivesim ship`")
        records = read_logs(args.runs)
        logged = set().union(*records)
        write_curve(scratch, records, [panel for panel in PANELS if panel in logged])
        seeds = range(args.seed, args.seed + args.episodes)
        played = play_all(agent, seeds, seeds[: args.constant_episodes], console)
        scores = summaries(played)
        evaluation = {
            "command": provenance.command(),
            "commit": provenance.commit_of(Path(__file__).parents[1])._asdict(),
            "scores": scores,
            "episodes": {name: episodes.to_json() for name, episodes in played.items()},
        }
        artifact.write_json(scratch / EVALUATION, evaluation)
    console.print(shown(scores))
    return finish(args, {"scores": scores}, console)


def play_all(agent: AtariAgent, seeds: range, constant_seeds: range, console: Console) -> dict[str, Episodes]:
    """Play the same games by the agent's best actions, and the first of them by each action alone."""
    players = {"agent": (greedy(agent), seeds)}
    players |= {f"always {name}": (constant(agent.actions, name), constant_seeds) for name in agent.actions}
    played = {}
    with track(sum(len(given) for _, given in players.values()), "held-out games", "games", console) as bar:
        for name, (player, given) in players.items():
            part = Portion(bar, len(given))
            played[name] = play(
                simulation_factory(agent),
                player,
                given,
                odometer=domain_of(agent).odometer,
                progress=partial(_reach, part),
            )
            part.fill()
    return played


def _reach(part: Portion, decisions: int, ended: int) -> None:
    del decisions
    part.reach(ended)


def summaries(played: Mapping[str, Episodes]) -> dict[str, dict[str, Any]]:
    """Return of each player the mean score, the mean sum of the rewards' signs, and how games ended.

    `different` counts the games that differ: a greedy agent plays a game without sticky actions twice in the
    same way if it starts after the same number of frames of doing nothing.
    """
    return {
        name: {
            "score": asdict(statistics.mean(episodes.returns)),
            "clipped_score": asdict(statistics.mean(episodes.distances)),
            "different": len(set(zip(episodes.returns, episodes.lengths, strict=True))),
            "endings": episodes.count_endings(),
        }
        for name, episodes in played.items()
    }


def shown(scores: Mapping[str, Mapping[str, Any]]) -> Table:
    """Lay scores out for a terminal."""
    laid = Table("player", "score", "clipped", "different games", caption="in brackets: 95% intervals")
    for name, told in scores.items():
        columns = (in_brackets(told[key]) for key in ("score", "clipped_score"))
        laid.add_row(name, *columns, str(told["different"]))
    return laid
