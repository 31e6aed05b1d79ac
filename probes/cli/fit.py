"""`probes fit`: fit a state model to collected states."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from drivesim.arguments import natural_int, positive_int
from probes.artifacts import artifact
from probes.cli.device import add_device, require_device
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.cli.subjects import add_agent, game_of
from probes.data.saliency_set import KIND as SALIENCY
from probes.data.saliency_set import SaliencySet, compute, load_saliency
from probes.data.saliency_set import manifest_config as saliency_config
from probes.data.state_set import StateSet, load_states
from probes.domains.registry import AnyAgent, load_agent
from probes.models import find_model
from probes.progress import track
from probes.state_models.fit import LOG, checkpoint_path, fit
from probes.state_models.fit_checkpoint import iterations_done
from probes.state_models.fit_config import FitConfig, manifest_config, parents_of
from probes.state_models.model_store import KIND
from probes.state_models.objectives import CrispLoss, PaperLoss
from probes.state_models.schedule import PRIOR_SCHEDULES, SCHEDULES

GOING_ON = CrispLoss(agent_from=0.0, levels_from=(0.0, 0.0))
"""Of a crisp model that is fitted already: there is a picture, and all of its latents take part."""


def add_parser(commands: Subparsers) -> None:
    """Add `fit`."""
    parser = commands.add_parser("fit", help="fit a state model to collected states")
    parser.add_argument("states", type=Path, help="directory that `probes collect` wrote")
    add_agent(parser, "who played")
    parser.add_argument("--model", choices=tuple(SCHEDULES), default="crisp")
    parser.add_argument("--loss", choices=("full", "lp", "vae"), default="full", help="of model paper")
    parser.add_argument("--preset", choices=("smoke", "quick", "paper"), default="quick", help="the schedule")
    parser.add_argument("--iterations", type=positive_int, help="instead of the preset's")
    parser.add_argument("--init", metavar="MODEL", help="a fitted state model to go on from")
    parser.add_argument(
        "--part", choices=("all", "prior"), default="all", help="prior: what samples look like, nothing else"
    )
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="bfloat16")
    parser.add_argument("--seed", type=natural_int, default=0)
    add_device(parser)
    add_common(parser, "runs/state-model")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Fit, unless it has been done; an interrupted fit goes on."""
    console = begin(args)
    device = require_device(args.device)
    states = load_states(args.states)
    agent = load_agent(args.agent, game_of(args, states)).to(device)
    schedules = SCHEDULES[args.model] if args.part == "all" else PRIOR_SCHEDULES
    schedule = schedules[args.preset]
    if args.iterations:
        schedule = replace(schedule, iterations=args.iterations)
    init = find_model(args.init) if args.init else None
    config = FitConfig(
        args.model,
        schedule,
        paper_loss=PaperLoss(variant=args.loss),
        crisp_loss=CrispLoss() if init is None else GOING_ON,
        part=args.part,
        precision=args.precision,
        seed=args.seed,
        device=device,
    )
    settings = manifest_config(config, states, agent, init)
    if artifact.is_current(
        args.output, KIND, config=settings, seed=config.seed, parents=parents_of(states, init)
    ):
        console.print(f"{args.output}: up to date", markup=False, highlight=False, soft_wrap=True)
    else:
        saliency = find_saliency(states, agent, console) if config.needs_saliency else None
        done = iterations_done(checkpoint_path(args.output))
        with track(schedule.iterations, f"fit {args.model}", "iterations", console, done) as shown:
            fit(states, saliency, agent, config, args.output, shown, init)
    last = json.loads((args.output / LOG).read_text().splitlines()[-1])
    return finish(args, {"last": last}, console)


def find_saliency(states: StateSet, agent: AnyAgent, console: Console) -> SaliencySet:
    """Open the saliency beside a state set, computing it first if need be."""
    path = states.path.with_name(f"{states.path.name}.saliency")
    settings = saliency_config(agent)
    if artifact.is_current(path, SALIENCY, config=settings, seed=0, parents={"states": states.path}):
        return load_saliency(path, states, verify=False)
    with track(len(states), "saliency", "states", console) as shown:
        return compute(states, agent, path, progress=shown.report)
