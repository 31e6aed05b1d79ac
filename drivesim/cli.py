"""`drivesim`: scenarios, training, evaluation and recording from the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console

from drivesim.rl.checkpoint import CheckpointError
from drivesim.scenario import cli as scenario_cli
from drivesim.scenario.errors import ScenarioError


def make_parser() -> argparse.ArgumentParser:
    """Build the parser of all commands; each sets `func`: arguments -> exit status."""
    from drivesim import demo_cli, evaluate_cli, record_cli, train_cli

    parser = argparse.ArgumentParser(prog="drivesim", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    scenario_commands = scenario_cli.add_parser(commands)
    train_cli.add_parser(commands)
    evaluate_cli.add_parser(commands)
    record_cli.add_parser(commands, scenario_commands)
    demo_cli.add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors that a user can mend go to stderr without a traceback."""
    args = make_parser().parse_args(arguments)
    console = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
    try:
        return int(args.func(args))
    except ScenarioError as error:
        console.print(str(error))
        return scenario_cli.INVALID
    except CheckpointError as error:
        console.print(f"error: {error}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
