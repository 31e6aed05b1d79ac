"""Options that several commands share, and what every command does first and last."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from drivesim.arguments import positive_int
from drivesim.rl.training import keep_freed_memory

Subparsers = Any  # argparse does not name the type of what add_subparsers returns


def add_common(parser: argparse.ArgumentParser, output: str) -> None:
    """Add where to write, `--threads` and `--json`.

    Args:
        parser: of the command.
        output: the default directory.
    """
    parser.add_argument("-o", "--output", type=Path, default=Path(output), metavar="DIRECTORY")
    parser.add_argument("--threads", type=positive_int, help="of torch; all cores unless given")
    parser.add_argument("--json", action="store_true", help="print what came out as JSON")


def begin(args: argparse.Namespace) -> Console:
    """Set threads and memory; return where progress is shown."""
    keep_freed_memory()
    torch.set_num_threads(args.threads or len(os.sched_getaffinity(0)))
    return Console(stderr=True)


def finish(args: argparse.Namespace, result: dict[str, Any], console: Console) -> int:
    """Say where the result lies, as JSON with its headline numbers if asked for."""
    if args.json:
        print(json.dumps({"path": str(args.output), **result}, indent=1, allow_nan=False))
    else:
        console.print(f"written: {args.output}", markup=False, highlight=False, soft_wrap=True)
    return 0
