"""`probes collect`: let an agent play and keep states."""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import fields

import numpy as np

from drivesim.arguments import natural_int, positive_int
from probes.artifacts import artifact
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.cli.subjects import add_agent
from probes.data.collect import CollectConfig, SeenThrough, collect, manifest_config, parents_of
from probes.data.state_set import KIND, load_states
from probes.domains.registry import AnyAgent, load_agent, simulation_factory
from probes.measures.goggles import through
from probes.models import find_model
from probes.progress import track
from probes.state_models.model_store import load_model


def add_parser(commands: Subparsers) -> None:
    """Add `collect`."""
    parser = commands.add_parser("collect", help="let an agent play and keep states")
    add_agent(parser, "who plays")
    parser.add_argument("--scenario", help="where it drives; where it learned unless given")
    defaults = {field.name: field.default for field in fields(CollectConfig)}
    for name in ("fit_states", "held_out_states", "worlds", "spacing", "fit_seed", "held_out_seed", "seed"):
        kind = positive_int if name in ("fit_states", "worlds", "spacing") else natural_int
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=defaults[name])
    parser.add_argument(
        "--held-out-spacing",
        type=positive_int,
        help="of held-out states; as far as those to fit unless given",
    )
    parser.add_argument("--epsilon", type=float, default=defaults["epsilon"], help="share of random actions")
    parser.add_argument(
        "--through", metavar="MODEL", help="a state model that the agent sees through in some of the worlds"
    )
    parser.add_argument("--through-share", type=float, default=SeenThrough.share, help="of the worlds")
    add_common(parser, "runs/states")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Collect, unless it has been done."""
    console = begin(args)
    agent = load_agent(args.agent, args.game)
    config = CollectConfig(**{field.name: getattr(args, field.name) for field in fields(CollectConfig)})
    factory = simulation_factory(agent, args.scenario)
    seen = None if args.through is None else _seen_through(args, agent)
    with closing(factory(1)) as simulation:
        settings = manifest_config(config, agent, simulation, seen)
    if artifact.is_current(args.output, KIND, config=settings, seed=config.seed, parents=parents_of(seen)):
        console.print(f"{args.output}: up to date", markup=False, highlight=False, soft_wrap=True)
        states = load_states(args.output, verify=False)
    else:
        with track(config.decisions, f"collect {agent.name}", "decisions", console) as shown:
            states = collect(factory, agent, config, args.output, shown.report, seen)
    episodes = len(np.unique(states.provenance["episode"]))
    return finish(args, {"states": len(states), "episodes": episodes}, console)


def _seen_through(args: argparse.Namespace, agent: AnyAgent) -> SeenThrough:
    path = find_model(args.through)
    return SeenThrough(through(agent, load_model(path, agent).model), path, args.through_share)
