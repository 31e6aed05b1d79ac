"""`probes ship`: keep a fitted state model with the package, beside the measures that were taken of it."""

from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path
from typing import Any

from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.artifacts.manifest import read_manifest
from probes.artifacts.replacement import replacing
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.cli.subjects import unique_names
from probes.models import models_directory
from probes.state_models.fit import LOG
from probes.state_models.model_store import KIND

MEASURES = "measures.json"
"""Not listed in the manifest: it is about the artifact, not part of it."""


def add_parser(commands: Subparsers) -> None:
    """Add `ship`."""
    parser = commands.add_parser("ship", help="keep a state model with the package, with its measures")
    parser.add_argument("model", type=Path, help="what `probes fit` wrote")
    parser.add_argument("name", help="what it is called, such as reasonable-seg4-crisp")
    parser.add_argument(
        "--measures", nargs="+", type=Path, required=True, metavar="DIRECTORY",
        help="what `probes goggles` and `probes samples` wrote about it",
    )  # fmt: skip
    parser.add_argument("--note", default="", help="what a reader of the record should know")
    add_common(parser, str(models_directory()))
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Copy the model, its log and what was measured."""
    console = begin(args)
    if not re.fullmatch(r"\w[\w.-]*", args.name):
        raise ProbeError(f"name: found {args.name!r}; allowed are letters, digits and .-_")
    manifest = artifact.load(args.model, KIND)
    named = unique_names(args.measures)
    measures = {name: measured(path, manifest.digest) for name, path in named.items()}
    args.output = args.output / args.name
    with replacing(args.output) as scratch:
        for name in (artifact.MANIFEST, *manifest.files):
            shutil.copy(args.model / name, scratch / name)
        artifact.write_json(scratch / MEASURES, {"note": args.note, "measures": measures})
    return finish(args, {"files": [*manifest.files, MEASURES], "log": LOG}, console)


def measured(path: Path, digest: str) -> dict[str, Any]:
    """Read the result of a stage that measured a state model.

    Raises:
        ProbeError: it measured another one.
    """
    manifest = artifact.load(path, read_manifest(path, None).kind)
    if digest not in [parent.digest for parent in manifest.parents.values()]:
        raise ProbeError(f"{path}: measures another state model than the one that is to be kept")
    result = artifact.read_json(path / "result.json")
    # Episodes one by one would be most of it.
    kept = {name: value for name, value in result.items() if name not in ("episodes", "layout")}
    return {"command": manifest.command, "commit": manifest.commit, "result": kept}
