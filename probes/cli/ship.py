"""`probes ship`: keep a fitted state model with the package, beside the measures that were taken of it."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.artifacts.manifest import Manifest, Parent, read_manifest
from probes.artifacts.replacement import replacing
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.cli.subjects import unique_names
from probes.domains.model_records import MEASURES
from probes.models import models_directory
from probes.state_models.fit import LOG
from probes.state_models.fit_checkpoint import KIND as CHECKPOINT
from probes.state_models.fit_checkpoint import iterations_done
from probes.state_models.model_store import KIND

INIT = "init"
"""Role of the model that a fit went on from."""
STATES = "states"
"""Role of the states that it was fitted to."""


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
    record = {"note": args.note, "history": history(manifest), "measures": measures}
    args.output = args.output / args.name
    with replacing(args.output) as scratch:
        for name in manifest.files:
            shutil.copy(args.model / name, scratch / name)
        artifact.write_json(scratch / artifact.MANIFEST, without_places(manifest).to_json())
        artifact.write_json(scratch / MEASURES, record)
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
    return {
        "kind": manifest.kind,
        "digest": manifest.digest,
        "command": portable(manifest.command),
        "commit": manifest.commit,
        "result": kept,
    }


def history(manifest: Manifest) -> list[dict[str, Any]]:
    """Return the fits that led to a state model, from its first ancestor to itself.

    Each went on from the one before. Where an ancestor is not there any more, what its child's manifest says
    of it stands first.
    """
    known = recorded_history(manifest)
    if known is not None:
        return known
    parent = manifest.parents.get(INIT)
    return [*(() if parent is None else before(manifest, parent)), told_of(manifest)]


def before(manifest: Manifest, parent: Parent) -> list[dict[str, Any]]:
    """Return the history of the model that a fit went on from."""
    found = still_there(manifest, parent)
    if found is None:
        gone = {"command": None, "seed": None, "iterations": None, "commit": None, "states": None}
        return [{"kind": parent.kind, "name": Path(parent.path).name, "digest": parent.digest, **gone}]
    return history(found)


def recorded_history(manifest: Manifest) -> list[dict[str, Any]] | None:
    """Return the history that a shipped model brings; None if it brings none."""
    file = manifest.path / MEASURES
    if not file.is_file():
        return None
    found: list[dict[str, Any]] | None = artifact.read_json(file).get("history")
    return found


def told_of(manifest: Manifest) -> dict[str, Any]:
    """Return what a history says of one fit."""
    schedule = manifest.config.get("fit", {}).get("schedule", {})
    # A checkpoint was taken on the way.
    on_the_way = manifest.kind == CHECKPOINT
    done = iterations_done(manifest.path) if on_the_way else schedule.get("iterations")
    return {
        "kind": manifest.kind,
        "name": manifest.path.resolve().name,
        "digest": manifest.digest,
        "command": portable(manifest.command),
        "seed": manifest.seed,
        "iterations": done,
        "commit": manifest.commit,
        "states": collected_by(manifest),
    }


def collected_by(manifest: Manifest) -> str | None:
    """Return the command that collected the states of a fit; None where they are not there any more."""
    parent = manifest.parents.get(STATES)
    found = None if parent is None else still_there(manifest, parent)
    return None if found is None else portable(found.command)


def still_there(manifest: Manifest, parent: Parent) -> Manifest | None:
    """Return the manifest of a parent; None if it is gone, or has been made anew since."""
    try:
        found = read_manifest(manifest.path / parent.path, parent.kind)
    except ProbeError:
        return None
    return found if found.digest == parent.digest else None


def without_places(manifest: Manifest) -> Manifest:
    """Return a manifest that names no directory of this machine: of its parents, the last part of each path.

    Its digest stays as it was, for neither the command nor a parent's path counts in it.
    """
    parents = {
        role: parent._replace(path=Path(parent.path).name) for role, parent in manifest.parents.items()
    }
    return replace(manifest, command=portable(manifest.command), parents=parents)


def portable(command: str) -> str:
    """Return a command with its absolute paths made relative: to where it runs now, or their last part."""
    return shlex.join(_portable(word) for word in shlex.split(command))


def _portable(word: str) -> str:
    name, equals, path = word.rpartition("=")
    if not Path(path).is_absolute():
        return word
    here = Path.cwd()
    place = Path(path).relative_to(here) if Path(path).is_relative_to(here) else Path(path).name
    return f"{name}{equals}{place}"
