"""`drivesim train`: A2C in one scenario or a mix, from scratch, resumed, or going on from an agent."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from gymnasium.vector import VectorEnv
from rich.console import Console

from drivesim.arguments import natural_int, positive_int
from drivesim.envs.actions import action_names
from drivesim.envs.mixed import MixedVectorEnv
from drivesim.envs.vector import HELD_OUT, DrivingVectorEnv
from drivesim.pilots import agent_directory
from drivesim.render.semantics import AGENT_PALETTE, NUM_CLASSES
from drivesim.rl.a2c import A2CConfig
from drivesim.rl.checkpoint import AGENT, CheckpointError, load_agent
from drivesim.rl.networks import ActorCritic, ActorCriticConfig, InputLayout
from drivesim.rl.resume import latest_checkpoint
from drivesim.rl.training import RunConfig, Status, fastest_precision, train
from drivesim.scenario.loader import load, scenario_digest
from drivesim.scenario.mix import Mix, in_words, load_mix
from drivesim.scenario.record import DEFINITION, record_of
from drivesim.scenario.schema import Scenario

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


def add_parser(commands: Any) -> None:
    """Add `train`."""
    parser = commands.add_parser("train", help="train an A2C agent in a scenario")
    parser.add_argument("scenario", metavar="SCENARIO", help="a shipped name, or a path")
    parser.add_argument("--run", required=True, metavar="NAME", help="where to keep it: runs/NAME")
    parser.add_argument("--steps", type=positive_int, default=4_000_000, help="environment steps in all")
    parser.add_argument("--envs", type=positive_int, default=64, help="towns stepped together")
    parser.add_argument("--seed", type=natural_int, default=0, help="of weights, episodes and actions")
    parser.add_argument("--learning-rate", type=float, default=A2CConfig.learning_rate)
    parser.add_argument("--entropy", type=float, default=A2CConfig.entropy_coefficient)
    parser.add_argument("--discount", type=float, default=A2CConfig.discount)
    parser.add_argument("--normalise-advantages", action="store_true", help="to deviation 1 in each rollout")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--precision", choices=("float32", "bfloat16"), help="default: the faster one here")
    parser.add_argument("--threads", type=positive_int, default=1, help="of the renderer and of torch")
    parser.add_argument(
        "--mix",
        type=Path,
        metavar="FILE.yaml|FOLDER",
        help="found scenarios that a share of the towns plays instead; of a folder, all files play in half",
    )
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument("--resume", action="store_true", help="go on from the run's last checkpoint")
    begin.add_argument("--init", metavar="AGENT", help="start from the weights of an agent or a run")
    parser.set_defaults(func=run_train)


def make_network(scenario: Scenario, seed: int) -> ActorCritic:
    """Build the network that fits a scenario's observations and actions.

    Raises:
        CheckpointError: if its images are too small or of an odd size.
    """
    modalities = tuple(scenario.modalities)
    layout = InputLayout(
        planes=modalities,
        stack=scenario.stack,
        height=scenario.camera.height,
        width=scenario.camera.width,
        num_classes=NUM_CLASSES if "semantic" in modalities else 0,
    )
    continuous = isinstance(scenario.actions, str)
    config = ActorCriticConfig(
        actions=2 if continuous else len(scenario.actions),
        continuous=continuous,
        palette=AGENT_PALETTE if layout.num_classes else (),
    )
    try:
        return ActorCritic(layout, config, seed)
    except ValueError as error:
        raise CheckpointError(f"scenario {scenario.name!r}: no network fits its camera: {error}") from error


def make_env(scenario: Scenario, mix: Mix | None, worlds: int, threads: int) -> VectorEnv[Any, Any, Any]:
    """Make the towns to train in."""
    if mix is None:
        return DrivingVectorEnv(worlds, scenario, threads=threads)
    return MixedVectorEnv([DrivingVectorEnv(p.worlds, p.scenario, threads=threads) for p in mix.parts])


def this_command(line: str, from_step: int, mix: Mix | None) -> dict[str, Any]:
    """Record the command that is running, from which step on it trains, and on which mix, if any."""
    mixed = {} if mix is None else {"mix": mix.record()}
    return {"command": line, "from_step": from_step, **mixed}


def begin_training(
    args: argparse.Namespace, scenario: Scenario, mix: Mix | None, directory: Path
) -> tuple[ActorCritic, list[dict[str, Any]]]:
    """Make the network to start from, and list the commands that trained it so far, this one last.

    Raises:
        CheckpointError: if the agent of `--init` was made for other observations or actions.
    """
    network = make_network(scenario, args.seed)
    if args.resume:
        latest = latest_checkpoint(directory)
        if latest is None:
            raise CheckpointError(f"{directory}: there is no checkpoint to resume; start it without --resume")
        earlier = earlier_commands(directory, scenario, mix)
        return network, [*earlier, this_command(args.line, int(latest.name), mix)]
    if args.init is None:
        return network, [this_command(args.line, 0, mix)]
    given, metadata = load_agent(agent_directory(args.init))
    if (given.layout, metadata.get("actions")) != (network.layout, action_names(scenario)):
        raise CheckpointError(
            f"agent {args.init!r} sees {given.layout} and acts by {metadata.get('actions')}, "
            f"scenario {scenario.name!r} needs {network.layout} and {action_names(scenario)}"
        )
    reached = metadata.get("training", {}).get("step", 0)
    first = this_command(args.line, 0, mix)
    first["init"] = f"{args.init} after {reached} steps"
    return given.requires_grad_(True).train(), [*metadata.get("commands", []), first]


def earlier_commands(directory: Path, scenario: Scenario, mix: Mix | None) -> list[dict[str, Any]]:
    """List the commands that trained a run before it was interrupted.

    Raises:
        CheckpointError: if it was trained in another scenario, or on another mix.
    """
    _, metadata = load_agent(directory / AGENT)
    found = metadata.get("scenario_sha256")
    if found != scenario_digest(scenario):
        raise CheckpointError(
            f"{directory}: was trained in {metadata.get('scenario')!r} (sha256 {found}), which is not "
            f"{scenario.name!r} as it is now; start a new run with --init {directory.name}"
        )
    earlier: list[dict[str, Any]] = metadata.get("commands", [])
    was, asked = earlier[-1].get("mix") if earlier else None, None if mix is None else mix.record()
    if was != asked:
        raise CheckpointError(
            f"{directory}: was trained on {in_words(was)}, this command asks for {in_words(asked)}; "
            f"resume it with its own --mix, or start a new run with --init {directory.name}"
        )
    return earlier


def run_train(args: argparse.Namespace) -> int:
    """Train; Ctrl-C saves first."""
    scenario = load(args.scenario)
    if args.device == "cuda" and not torch.cuda.is_available():
        raise CheckpointError("--device cuda: this torch sees no CUDA device; use --device cpu")
    if args.seed >= HELD_OUT:
        raise CheckpointError(f"--seed {args.seed}: seeds from {HELD_OUT} up are for final evaluation only")
    torch.set_num_threads(args.threads)
    mix = None if args.mix is None else load_mix(args.mix, scenario, args.envs)
    config = A2CConfig(
        total_steps=args.steps,
        learning_rate=args.learning_rate,
        entropy_coefficient=args.entropy,
        discount=args.discount,
        normalise_advantages=args.normalise_advantages,
        seed=args.seed,
        device=args.device,
        precision=args.precision or fastest_precision(args.device),
    )
    directory = Path("runs") / args.run
    network, history = begin_training(args, scenario, mix, directory)
    metadata = {
        "scenario": scenario.name,
        "actions": action_names(scenario),
        "scenario_sha256": scenario_digest(scenario),
        DEFINITION: record_of(scenario),
        "commands": history,
        "seed": args.seed,
        "envs": args.envs,
    }
    console = Console(stderr=True)
    run = RunConfig(directory, resume=args.resume, console=console, metadata=metadata)
    env = make_env(scenario, mix, args.envs, args.threads)
    try:
        result = train(env, network.to(args.device), config, run)
    finally:
        env.close()
    console.print(f"{result.status} at step {result.step}: {result.agent}")
    return 0 if result.status is Status.FINISHED else INTERRUPTED
