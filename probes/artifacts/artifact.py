"""What a stage leaves behind: a directory of files and a `manifest.json` that says how it was made.

A stage writes its artifact whole or not at all, and a later one finds out whether it is still what it was
and whether its inputs have changed. Nothing that is read here can run code.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from probes.agent import ProbeError
from probes.artifacts import provenance
from probes.artifacts.manifest import (
    FORMAT_VERSION,
    KIND_OF_ROLE,
    MADE_BY,
    MANIFEST,
    FileRecord,
    Manifest,
    Parent,
    read_manifest,
)
from probes.artifacts.payload import load_tensors, open_array, read_json, save_tensors, unwritable, write_json
from probes.artifacts.replacement import replacing

__all__ = [
    "FORMAT_VERSION",
    "KIND_OF_ROLE",
    "MADE_BY",
    "MANIFEST",
    "FileRecord",
    "Manifest",
    "Parent",
    "check_parents",
    "is_current",
    "load",
    "load_tensors",
    "open_array",
    "read_json",
    "save_tensors",
    "write_json",
    "writing",
]

_logger = logging.getLogger(__name__)


@contextmanager
def writing(
    path: Path, kind: str, *, config: Mapping[str, Any], seed: int, parents: Mapping[str, Path]
) -> Iterator[Path]:
    """Make an artifact, replacing an older one of the same kind only once it is complete.

    Args:
        path: of its directory.
        kind: what it holds.
        config: everything but the seed that decides what it will hold; anything that JSON can hold.
        seed: of all that is random in it.
        parents: artifacts, or plain files, that it is made from, by role: a kind, or a name of
            `KIND_OF_ROLE`, or any name for what may be of any kind.

    Yields:
        A scratch directory beside `path`, to be filled. It is removed after any exception.

    Raises:
        ProbeError: `path` holds something else, a parent is missing, or the disk is full or cannot be
            written to; an older artifact is then as it was.
    """
    _require_replaceable(path, kind)
    made_from = {role: _parent(role, parent, path) for role, parent in parents.items()}
    plain = _plain(path, config)
    source = provenance.commit_of(Path(__file__).parent)
    with replacing(path) as scratch:
        yield scratch
        manifest = Manifest(
            path=path,
            kind=kind,
            format_version=FORMAT_VERSION,
            files=_files(scratch),
            command=provenance.command(),
            config=plain,
            seed=seed,
            packages=provenance.package_versions(),
            python=platform.python_version(),
            commit=source.commit,
            dirty=source.dirty,
            parents=made_from,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        write_json(scratch / MANIFEST, manifest.to_json())


def load(path: Path, kind: str, verify: bool = True) -> Manifest:
    """Read an artifact's manifest and check its files.

    Args:
        path: of the artifact's directory.
        kind: what it must hold.
        verify: whether to hash the files, or to look at their sizes alone.

    Raises:
        ProbeError: there is no such artifact, it is of another kind or a newer format, or a file of it is
            missing, truncated or altered; the message says what to do.
    """
    manifest = read_manifest(path, kind)
    advice = f"delete {path} and run `{manifest.command}` again"
    for name, record in manifest.files.items():
        file = path / name
        try:
            size = file.stat().st_size
            found = _hash(file) if verify and size == record.bytes else record.sha256
        except OSError as error:
            raise ProbeError(f"{file}: cannot be read ({error.strerror}); {advice}") from error
        if size != record.bytes:
            raise ProbeError(f"{file}: has {size:,} bytes, its manifest says {record.bytes:,}; {advice}")
        if found != record.sha256:
            raise ProbeError(
                f"{file}: altered: its sha256 is {found}, its manifest says {record.sha256}; {advice}"
            )
    return manifest


def check_parents(manifest: Manifest, parents: Mapping[str, Path]) -> None:
    """Require that an artifact was made from just these artifacts or files, given by role.

    Raises:
        ProbeError: it was made from others, or one is missing.
    """
    if manifest.parents.keys() != parents.keys():
        raise ProbeError(
            f"{manifest.path}: was made from {sorted(manifest.parents)}, not from {sorted(parents)}"
        )
    for role, path in parents.items():
        digest, made_from = _parent(role, path, manifest.path).digest, manifest.parents[role].digest
        if digest != made_from:
            raise ProbeError(
                f"{manifest.path}: was made from another {role}: its digest was {made_from},"
                f" that of {path} is {digest}; run `{manifest.command}` again"
            )


def is_current(
    path: Path, kind: str, *, config: Mapping[str, Any], seed: int, parents: Mapping[str, Path]
) -> bool:
    """Tell whether an intact artifact is there that these inputs gave, so that its stage can be skipped."""
    wanted = (FORMAT_VERSION, _plain(path, config), seed)
    try:
        manifest = load(path, kind)
        check_parents(manifest, parents)
    except ProbeError as error:
        _logger.info("not reused: %s", error)
        return False
    return (manifest.format_version, manifest.config, manifest.seed) == wanted


def _plain(path: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration as it will be read again, tuples being lists."""
    try:
        plain: dict[str, Any] = json.loads(json.dumps(dict(config), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ProbeError(f"{path}: its config cannot be kept: {unwritable(config, '') or error}") from error
    return plain


def _files(directory: Path) -> dict[str, FileRecord]:
    files = sorted(file for file in directory.rglob("*") if file.is_file())
    return {
        file.relative_to(directory).as_posix(): FileRecord(_hash(file), file.stat().st_size) for file in files
    }


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _parent(role: str, parent: Path, path: Path) -> Parent:
    """Describe what an artifact at `path` is made from."""
    where = Path(os.path.relpath(parent, path)).as_posix()
    try:
        if parent.is_file():
            return Parent("file", _hash(parent), where)
        kind = KIND_OF_ROLE.get(role, role)
        manifest = read_manifest(parent, kind if kind in MADE_BY else None)
    except (OSError, ProbeError) as error:
        raise ProbeError(f"{path}: cannot be made without its {role}: {error}") from error
    return Parent(manifest.kind, manifest.digest, where)


def _require_replaceable(path: Path, kind: str) -> None:
    """Refuse to replace what is no artifact, or one of another kind: the user may have mistyped a path."""
    try:
        if not path.exists() or (path.is_dir() and not any(path.iterdir())):
            return
        found = json.loads((path / MANIFEST).read_bytes())
    except OSError as error:
        problem = f"is there already and is no {kind} ({error.strerror})"
        raise ProbeError(f"{path}: {problem}; choose another place") from error
    except ValueError:  # of an artifact that was damaged, and may be made again
        return
    if not isinstance(found, dict) or found.get("kind") != kind:
        raise ProbeError(f"{path}: is there already and is no {kind}; choose another place")
