"""`probes report`: one page of what studies found."""

from __future__ import annotations

import argparse
from pathlib import Path

from drivesim.render.semantics import CLASS_NAMES, PALETTE
from probes.cli.options import Subparsers, begin, finish
from probes.domains.pictures import render_stack
from probes.report.page import build_page, headline_numbers, is_current, read_run, save_page
from probes.report.sprites import Painter

DRIVING = Painter(
    render_stack,
    tuple((name, (int(r), int(g), int(b))) for name, (r, g, b) in zip(CLASS_NAMES, PALETTE, strict=True)),
)


def add_parser(commands: Subparsers) -> None:
    """Add `report`."""
    parser = commands.add_parser("report", help="write one page of what studies found")
    parser.add_argument(
        "runs", nargs="+", type=Path, metavar="RUN", help="directory that `probes study` wrote"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: RUN/report.html")
    parser.add_argument("--json", action="store_true", help="print what came out as JSON")
    parser.set_defaults(func=run, threads=None)


def run(args: argparse.Namespace) -> int:
    """Write the page, unless one of the same studies is there."""
    console = begin(args)
    args.output = args.output or args.runs[0] / "report.html"
    runs = [read_run(directory) for directory in args.runs]
    if is_current(args.output, runs):
        console.print(f"{args.output}: up to date", markup=False, highlight=False, soft_wrap=True)
    else:
        save_page(build_page(runs, DRIVING), args.output)
    studies = [{"title": each.study.title, "headlines": headline_numbers(each.study)} for each in runs]
    return finish(args, {"bytes": args.output.stat().st_size, "studies": studies}, console)
