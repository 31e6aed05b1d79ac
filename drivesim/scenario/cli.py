"""`drivesim scenario list | check | diff | schema`."""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import TYPE_CHECKING

from rich.console import Console

from drivesim.scenario.diff import ABSENT, Change, diff
from drivesim.scenario.errors import Issue, ScenarioError
from drivesim.scenario.loader import check, load, shipped_names
from drivesim.scenario.schema import json_schema

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

INVALID = 3
"""Exit status when a scenario has an error."""


def add_parser(subparsers: Subparsers) -> Subparsers:
    """Add `scenario` and its commands; each sets `func`: arguments -> exit status.

    Args:
        subparsers: of the program.

    Returns:
        The subparsers of `scenario`, to which others may add commands.
    """
    scenario = subparsers.add_parser("scenario", help="list, check and compare scenarios")
    commands = scenario.add_subparsers(dest="scenario_command", required=True, metavar="COMMAND")
    command = commands.add_parser("list", help="show the shipped scenarios")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(func=run_list)
    command = commands.add_parser("check", help="print every error of scenario files; exits with 3 if any")
    command.add_argument("files", nargs="+", metavar="FILE", help="a path, or a shipped name")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(func=run_check)
    command = commands.add_parser("diff", help="print what two scenarios do differently")
    command.add_argument("first", metavar="A", help="a path, or a shipped name")
    command.add_argument("second", metavar="B", help="a path, or a shipped name")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(func=run_diff)
    command = commands.add_parser("schema", help="print the JSON Schema, for completion in editors")
    command.set_defaults(func=run_schema)
    return commands


def _console(to_stderr: bool = False) -> Console:
    """Make a console that leaves lines as they are: they are read by editors and scripts, too."""
    return Console(stderr=to_stderr, soft_wrap=True, markup=False, highlight=False, emoji=False)


def run_list(args: argparse.Namespace) -> int:
    """Print the name and description of each shipped scenario."""
    scenarios = [load(name) for name in shipped_names()]
    if args.json:
        rows = [{"name": item.name, "description": item.description} for item in scenarios]
        _console().print(json.dumps(rows, indent=2))
        return 0
    for item in scenarios:
        _console().print(f"{item.name:<18} {' '.join(item.description.split())}")
    return 0


def run_check(args: argparse.Namespace) -> int:
    """Print every issue of every file."""
    console = _console()
    found: list[Issue] = []
    for file in args.files:
        issues = check(file)
        found += issues
        if not args.json:
            console.print("\n".join(map(str, issues)) or f"{file}: ok")
    if args.json:
        console.print(json.dumps([dataclasses.asdict(issue) for issue in found], indent=2))
    return INVALID if found else 0


def run_diff(args: argparse.Namespace) -> int:
    """Print each dotted path that differs, with both values."""
    try:
        changes = diff(load(args.first), load(args.second))
    except ScenarioError as error:
        _console(to_stderr=True).print(str(error))
        return INVALID
    if args.json:
        _console().print(json.dumps([_as_json(change) for change in changes], indent=2))
        return 0
    for change in changes:
        _console().print(f"{change.path}: {_text(change.before)} -> {_text(change.after)}")
    return 0


def _as_json(change: Change) -> dict[str, object]:
    """Spell a change for machines; a value that is absent is left out."""
    return {key: value for key, value in vars(change).items() if value is not ABSENT}


def _text(value: object) -> str:
    return str(value) if value is ABSENT else json.dumps(value)


def run_schema(_args: argparse.Namespace) -> int:
    """Print the JSON Schema of a scenario file."""
    _console().print(json.dumps(json_schema(), indent=2))
    return 0
