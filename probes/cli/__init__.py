"""`probes`: collect, fit, search, measure, replay and report from the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path

from rich.console import Console

from probes.agent import DivergedError, ProbeError
from probes.artifacts import provenance

COMMANDS = {
    "train": "probes.cli.train",
    "collect": "probes.cli.collect",
    "fit": "probes.cli.fit",
    "search": "probes.cli.search",
    "samples": "probes.cli.samples",
    "novelty": "probes.cli.novelty",
    "objective": "probes.cli.objective",
    "activation-max": "probes.cli.activation_max",
    "goggles": "probes.cli.goggles",
    "realize": "probes.cli.realize",
    "replay": "probes.cli.replay",
    "replay-moments": "probes.cli.replay_moments",
    "repair": "probes.cli.repair",
    "awareness": "probes.cli.awareness",
    "falsify": "probes.cli.falsify",
    "braking": "probes.cli.braking",
    "contents": "probes.cli.contents",
    "clusters": "probes.cli.clusters",
    "oxygen": "probes.cli.oxygen",
    "ship": "probes.cli.ship",
    "ship-agent": "probes.cli.ship_agent",
    "study": "probes.cli.study",
    "gallery": "probes.cli.gallery",
    "report": "probes.cli.report",
}
"""Which module adds a command; only the one that is asked for is imported, for its libraries take seconds."""
MISUSE = 2
"""Exit status when something that the user gave cannot be used."""
DIVERGED = 4
"""Exit status when a fit's or a search's numbers are no longer finite."""


def make_parser(wanted: str | None = None) -> argparse.ArgumentParser:
    """Build the parser; each command sets `func`: arguments -> exit status.

    Args:
        wanted: the command that will be run, if it is known; the others are then left out.
    """
    parser = argparse.ArgumentParser(prog="probes", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in [COMMANDS[wanted]] if wanted in COMMANDS else dict.fromkeys(COMMANDS.values()):
        import_module(module).add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors that a user can mend go to stderr without a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    args = make_parser(given[0] if given else None).parse_args(given)
    provenance.commit_of(Path(__file__).parents[1])  # as it is now, not hours later
    try:
        with provenance.called("probes", *given) if arguments is not None else nullcontext():
            return int(args.func(args))
    except ProbeError as error:
        complaint = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
        complaint.print(f"error: {error}")
        return DIVERGED if isinstance(error, DivergedError) else MISUSE
