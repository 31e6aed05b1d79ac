"""`drivesim`: scenarios, training, evaluation and recording from the command line."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from rich.console import Console

from drivesim.arguments import natural_int
from drivesim.scenario import cli as scenario_cli
from drivesim.scenario.errors import ScenarioError

COMMANDS = {
    "train": "drivesim.train_cli",
    "evaluate": "drivesim.evaluate_cli",
    "agents": "drivesim.evaluate_cli",
    "record": "drivesim.record_cli",
    "ship": "drivesim.ship_cli",
}
"""Which module adds a command; only the one that is asked for is imported, since torch takes a second."""
MISUSE = 2
"""Exit status when an agent, a run or a file is not what it should be."""


def make_parser(wanted: str | None = None) -> argparse.ArgumentParser:
    """Build the parser; each command sets `func`: arguments -> exit status.

    `main` adds the whole line to the arguments as `line`, for the record.

    Args:
        wanted: the command that will be run, if it is known; the others are then left out.
    """
    parser = argparse.ArgumentParser(prog="drivesim", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_preview(scenario_cli.add_parser(commands))
    if wanted == "scenario":
        return parser
    modules = [COMMANDS[wanted]] if wanted in COMMANDS else list(dict.fromkeys(COMMANDS.values()))
    for name in modules:
        import_module(name).add_parser(commands)
    return parser


def add_preview(commands: scenario_cli.Subparsers) -> None:
    """Add `preview` to the commands of `scenario`."""
    parser = commands.add_parser("preview", help="draw a map from above beside the camera's view")
    parser.add_argument("file", metavar="FILE", help="a path, or a shipped name")
    parser.add_argument("--seed", type=natural_int, default=0, help="of the episode")
    parser.add_argument(
        "--driver", default="expert", choices=("blind", "expert", "parked"), help="who drives meanwhile"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.png|FILE.mp4")
    parser.set_defaults(func=lambda args: import_module("drivesim.preview").run_preview(args))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors that a user can mend go to stderr without a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    args = make_parser(given[0] if given else None).parse_args(given)
    args.line = shlex.join(["drivesim", *given])
    try:
        return int(args.func(args))
    except ScenarioError as error:
        _complain(error)
        return scenario_cli.INVALID
    except ImportError as error:
        # What can be missing is PyBullet: the message says what works without it.
        _complain(error)
        return MISUSE
    except Exception as error:
        # The learner's errors are known by name, so that checking a scenario need not import torch.
        if type(error).__name__ in ("CheckpointError", "TrainingDiverged"):
            _complain(error)
            return MISUSE
        raise


def _complain(error: Exception) -> None:
    Console(stderr=True, soft_wrap=True, markup=False, highlight=False).print(f"error: {error}")


if __name__ == "__main__":
    sys.exit(main())
