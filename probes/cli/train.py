"""`probes train`: teach an agent a game from scratch, resumed, or going on from an agent."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console

from drivesim.arguments import natural_int, positive_int
from drivesim.pilots import agent_directory
from drivesim.rl.a2c import TrainingDiverged
from drivesim.rl.checkpoint import AGENT, CheckpointError, Network, load_network
from drivesim.rl.resume import latest_checkpoint
from drivesim.rl.training import RunConfig, Status, TrainingResult, train_learner
from probes.agent import DivergedError, ProbeError
from probes.artifacts import provenance
from probes.cli.device import add_device, require_device
from probes.cli.options import Subparsers, begin, finish
from probes.cli.train_algorithms import ALGORITHMS, add_settings, given_settings, make_learner, make_network
from probes.domains.atari_consoles import ConsoleConfig
from probes.domains.atari_learning import AtariLearningEnv

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""
DOMAIN = "atari:"


def add_parser(commands: Subparsers) -> None:
    """Add `train`."""
    parser = commands.add_parser("train", help="teach an agent an Atari game")
    parser.add_argument("game", metavar="atari:GAME", help="such as atari:Freeway")
    parser.add_argument("--algo", choices=tuple(ALGORITHMS), default="dqn")
    parser.add_argument("--envs", type=positive_int, help="worlds stepped together")
    parser.add_argument("--sticky", type=float, default=0.0, help="share of actions that are repeated")
    parser.add_argument("--seed", type=natural_int, default=0, help="of weights, episodes and actions")
    add_settings(parser)
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    start.add_argument("--init", metavar="AGENT", help="start from the weights of an agent or a run")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), help="default: the faster one here")
    add_device(parser)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIRECTORY")
    parser.add_argument("--threads", type=positive_int, default=1, help="of the emulator and of torch")
    parser.add_argument("--json", action="store_true", help="print what came out as JSON")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Train; Ctrl-C saves first."""
    console = begin(args)
    require_device(args.device)
    if not args.game.startswith(DOMAIN):
        raise ProbeError(f"found {args.game!r}, allowed is {DOMAIN} and a game, such as {DOMAIN}Freeway")
    given_settings(args)
    config = ConsoleConfig(args.game.removeprefix(DOMAIN), sticky=args.sticky)
    env = AtariLearningEnv(config, args.envs or ALGORITHMS[args.algo].envs, threads=args.threads)
    try:
        result = train(args, env, console)
    except (CheckpointError, ValueError) as error:
        raise ProbeError(str(error)) from error
    except TrainingDiverged as error:
        raise DivergedError(f"{args.output}: {error}; its last checkpoint is the last good one") from error
    finally:
        env.close()
    finish(args, {"status": str(result.status), "step": result.step, "agent": str(result.agent)}, console)
    return 0 if result.status is Status.FINISHED else INTERRUPTED


def train(args: argparse.Namespace, env: AtariLearningEnv, console: Console) -> TrainingResult:
    """Train by the algorithm that was asked for."""
    network, history = begin_training(args, make_network(args, env), env)
    metadata = {
        "algorithm": args.algo,
        "game": env.game,
        "sticky": args.sticky,
        "actions": list(env.actions),
        "commands": history,
        "seed": args.seed,
        "envs": env.num_envs,
    }
    settings = RunConfig(args.output, resume=args.resume, console=console, metadata=metadata)
    return train_learner(make_learner(args, env, network), settings)


def begin_training(
    args: argparse.Namespace, network: Network, env: AtariLearningEnv
) -> tuple[Network, list[dict[str, Any]]]:
    """Return the network to start from, and the commands that trained it so far, this one last.

    Raises:
        CheckpointError: there is nothing to go on from, or it is an agent of another game or shape.
    """
    command: dict[str, Any] = {"command": provenance.command(), "from_step": 0}
    if args.resume:
        latest = latest_checkpoint(args.output)
        if latest is None:
            raise CheckpointError(f"{args.output}: there is no checkpoint to resume; start without --resume")
        _, metadata = load_network(args.output / AGENT)
        return network, [*metadata.get("commands", []), {**command, "from_step": int(latest.name)}]
    if args.init is None:
        return network, [command]
    given, metadata = load_network(agent_directory(args.init))
    if (type(given), given.layout, given.config) != (type(network), network.layout, network.config):
        raise CheckpointError(f"agent {args.init!r} has no {args.algo} network of this shape for {env.game}")
    if metadata.get("game") != env.game:
        raise CheckpointError(f"agent {args.init!r} plays {metadata.get('game')!r}, not {env.game!r}")
    reached = metadata.get("training", {}).get("step", 0)
    command["init"] = f"{args.init} after {reached} steps"
    return given.requires_grad_(True).train(), [*metadata.get("commands", []), command]
