"""`python -m benchmarks [ROW...] [--json FILE]`: speed and agreement, beside peers or the floor."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from benchmarks import (
    a2c_driving,
    agents,
    atari_emulator,
    atari_learning,
    env_seg4,
    memory,
    parity,
    probe_fit,
    probe_saliency,
    probe_search,
    render_128,
    reset,
    scenario_check,
)
from benchmarks.row import Row
from benchmarks.timing import choose_cores, keep_to_cores
from probes.agent import ProbeError
from probes.cli.device import Device, add_device, require_device
from probes.domains.atari import emulator

ATARI_ROWS: dict[str, Callable[[], Row]] = {
    "atari-emulator": atari_emulator.measure,
    "atari-dqn": partial(atari_learning.measure, atari_learning.DQN),
    "atari-a2c": partial(atari_learning.measure, atari_learning.A2C),
}
"""That need an extra of their own."""
ROWS: dict[str, Callable[[], Row]] = {
    "render-128": render_128.measure,
    "parity": parity.measure,
    "env-seg4": env_seg4.measure,
    "reset": reset.measure,
    "memory": memory.measure,
    "agents": agents.measure,
    "a2c-driving": a2c_driving.measure,
    "scenario-check": scenario_check.measure,
    **ATARI_ROWS,
}
"""On one core."""
PROBE_ROWS: dict[str, Callable[[Device], Row]] = {
    "probe-search": probe_search.measure,
    "probe-fit": probe_fit.measure,
    "probe-saliency": probe_saliency.measure,
}
"""On two cores, or on a GPU."""
ALL_ROWS = (*ROWS, *PROBE_ROWS)


def make_parser() -> argparse.ArgumentParser:
    """Build the command's parser."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "rows", nargs="*", metavar="ROW", help=f"all if none is given; any of {', '.join(ALL_ROWS)}"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows to this file, too")
    parser.add_argument(
        "--core", type=int, help="the core to run on, or the first of two; default: the first allowed"
    )
    add_device(parser)
    return parser


def run_alone(name: str, device: Device) -> Row:
    """Measure a row in a new process, whose libraries obey the limits from the start."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as process:
        return process.submit(ROWS.get(name) or partial(PROBE_ROWS[name], device)).result()


def tabulate(rows: Sequence[Row]) -> Table:
    """Lay out rows for people."""
    table = Table("row", "ours", "times the peer", "times the floor", "target", "met", box=SIMPLE)
    for row in rows:
        ratios = ["" if ratio is None else f"{ratio:.3g}" for ratio in (row.ratio_peer, row.ratio_floor)]
        met = "yes" if row.is_met else "NO"
        table.add_row(row.row, f"{row.ours:,.5g} {row.unit}", *ratios, row.target, met)
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the rows asked for."""
    parser = make_parser()
    args = parser.parse_args(arguments)
    unknown = [name for name in args.rows if name not in ALL_ROWS]
    if unknown:
        parser.error(f"unknown row {unknown[0]!r}; allowed: {', '.join(ALL_ROWS)}")
    names = args.rows or ALL_ROWS
    try:
        device = require_device(args.device)
        if not ATARI_ROWS.keys().isdisjoint(names):
            emulator()
    except ProbeError as error:
        parser.error(str(error))
    cores = choose_cores(args.core, 2)
    progress = Console(stderr=True)
    rows: list[Row] = []
    for name in names:
        progress.print(f"{name} ...")
        keep_to_cores(cores[:1] if name in ROWS else cores)
        rows.append(run_alone(name, device))
        if args.json:
            text = json.dumps([row.as_json() for row in rows], indent=2, allow_nan=False)
            args.json.write_text(text + "\n", encoding="utf-8")
    # Where the output is no terminal, rich would take it for 80 columns.
    Console(width=max(Console().width, 140)).print(tabulate(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
