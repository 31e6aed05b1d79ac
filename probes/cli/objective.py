"""`probes objective`: do findings reach what no held-out real state reaches (Fig. 8)?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from probes.artifacts import artifact
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.cli.subjects import unique_names
from probes.measures.objective_table import tell
from probes.synthesis.findings import load_findings

KIND = "objective"
RESULT = "result.json"


def add_parser(commands: Subparsers) -> None:
    """Add `objective`."""
    parser = commands.add_parser(
        "objective", help="compare the objectives of findings and real states (Fig. 8)"
    )
    parser.add_argument(
        "findings", nargs="+", type=Path, help="what `probes search` wrote, for example of T-, T+ and T±"
    )
    add_common(parser, "runs/objective")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Compare, unless it has been done."""
    console = begin(args)
    parents = unique_names(args.findings)
    if artifact.is_current(args.output, KIND, config={}, seed=0, parents=parents):
        console.print(f"{args.output}: up to date", markup=False, highlight=False, soft_wrap=True)
        result = artifact.read_json(args.output / RESULT)
    else:
        result = {"targets": {name: tell(load_findings(path)) for name, path in parents.items()}}
        with artifact.writing(args.output, KIND, config={}, seed=0, parents=parents) as scratch:
            artifact.write_json(scratch / RESULT, result)
    return finish(args, {"targets": headline(result)}, console)


def headline(result: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers of `result.json` that a reader wants first."""
    names = ("passing", "all", "passed")
    return {name: {part: told[part] for part in names} for name, told in result["targets"].items()}
