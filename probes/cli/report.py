"""`probes report`: one page of what studies found."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from drivesim.render.semantics import CLASS_NAMES, PALETTE
from probes.cli.options import Subparsers, begin, finish
from probes.domains.pictures import render_stack
from probes.report.items import Stacks, Weights
from probes.report.page import Run, build_page, headline_numbers, is_current, read_run, save_page
from probes.report.sprites import Painter

DRIVING = Painter(
    render_stack,
    tuple((name, (int(r), int(g), int(b))) for name, (r, g, b) in zip(CLASS_NAMES, PALETTE, strict=True)),
)
GAMES = Painter(render_stack)
"""Their pictures are in their own colours."""


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
        save_page(build_page(runs, choose_painter(runs)), args.output)
    studies = [{"title": each.study.title, "headlines": headline_numbers(each.study)} for each in runs]
    return finish(args, {"bytes": args.output.stat().st_size, "studies": studies}, console)


def choose_painter(runs: Sequence[Run]) -> Painter:
    """Leave out the classes' colours where all states that are shown are games' pictures."""
    items = [item for run in runs for section in run.study.sections for item in section.items]
    layouts = [item.layout for item in items if isinstance(item, Stacks | Weights)]
    shows_classes = any(plane.kind == "class" for layout in layouts for plane in layout.planes)
    return GAMES if layouts and not shows_classes else DRIVING
