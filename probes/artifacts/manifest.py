"""What `manifest.json` says of an artifact: what it holds, how it was made, from what."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from probes.agent import ProbeError
from probes.artifacts.payload import read_json

FORMAT_VERSION = 1
MANIFEST = "manifest.json"

#: The command that makes each kind of artifact.
MADE_BY: dict[str, str] = {
    "state-set": "probes collect",
    "saliency": "probes fit",
    "state-model": "probes fit",
    "reference": "probes search",
    "samples": "probes samples",
    "findings": "probes search",
    "goggles": "probes goggles",
    "novelty": "probes novelty",
    "objective": "probes objective",
    "activation-max": "probes activation-max",
    "realized": "probes realize",
    "replay": "probes replay",
    "moment-replay": "probes replay-moments",
    "awareness": "probes awareness",
    "falsification": "probes falsify",
    "braking": "probes braking",
    "oxygen": "probes oxygen",
    "contents": "probes contents",
    "clusters": "probes clusters",
    "fit-checkpoint": "probes fit",
    "study": "probes study",
    "report": "probes report",
}

#: The kind that a parent must be of, where its role goes by a shorter name.
KIND_OF_ROLE: dict[str, str] = {"states": "state-set", "model": "state-model"}


class FileRecord(NamedTuple):
    """What a file of an artifact must be."""

    sha256: str
    bytes: int


class Parent(NamedTuple):
    """What an artifact was made from."""

    kind: str
    """`file` where it is a plain file rather than an artifact."""
    digest: str
    path: str
    """Relative to the directory of the artifact that was made."""


@dataclass(frozen=True)
class Manifest:
    """How an artifact was made and what it holds."""

    path: Path
    """The artifact's directory; not written."""
    kind: str
    format_version: int
    files: dict[str, FileRecord]
    """By name, relative to the directory."""
    command: str
    config: dict[str, Any]
    seed: int
    packages: dict[str, str]
    """Versions by name."""
    python: str
    commit: str | None
    """Of the checkout that the program lay in, if any."""
    dirty: bool | None
    """Whether that checkout differed from the commit."""
    parents: dict[str, Parent]
    """By the role they had."""
    created: str
    """UTC."""

    @property
    def digest(self) -> str:
        """What two equal results share: a sha256 over kind, format version, config, seed and files."""
        files = {name: record.sha256 for name, record in self.files.items()}
        told = [self.kind, self.format_version, self.config, self.seed, files]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return what `manifest.json` holds."""
        data = {name: value for name, value in asdict(self).items() if name != "path"}
        data["files"] = {name: record._asdict() for name, record in self.files.items()}
        data["parents"] = {role: parent._asdict() for role, parent in self.parents.items()}
        return {**data, "digest": self.digest}


def read_manifest(path: Path, kind: str | None) -> Manifest:
    """Read a manifest and check it, but not the files that it names.

    Args:
        path: of the artifact's directory.
        kind: that it must be of; None is any.

    Raises:
        ProbeError: it is missing, damaged, of another kind or of a newer format.
    """
    made_by = MADE_BY.get(kind or "")
    make_it = f"`{made_by}` makes one" if made_by else "run the stage that makes it"
    try:
        (path / MANIFEST).stat()
        data = read_json(path / MANIFEST)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ProbeError(f"{path}: {_nothing_there(path, kind)}; {make_it}") from error
    except OSError as error:
        raise ProbeError(f"{path}: cannot be read: {error.strerror}") from error
    except ProbeError as error:
        raise ProbeError(f"{error}; delete {path}; {make_it}") from error
    if not isinstance(data, dict) or not isinstance(data.get("kind"), str):
        raise ProbeError(f"{path / MANIFEST}: describes no artifact of probes")
    if kind is not None and data["kind"] != kind:
        raise ProbeError(f"{path}: holds a {data['kind']}, wanted is a {kind}; {make_it}")
    version = data.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ProbeError(
            f"{path}: format version {version}, this program reads up to {FORMAT_VERSION}; update it"
        )
    try:
        return _parse(path, data)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        advice = f"run `{data['command']}` again" if "command" in data else make_it
        raise ProbeError(f"{path / MANIFEST}: altered: {error}; delete {path}; {advice}") from error


def _parse(path: Path, data: dict[str, Any]) -> Manifest:
    """Build a manifest from JSON; whatever Python raises of malformed data is left to the caller."""
    expected = {field.name for field in fields(Manifest)} - {"path"} | {"digest"}
    if data.keys() != expected:
        raise ValueError(f"its fields are not {', '.join(sorted(expected))}")
    values = {name: value for name, value in data.items() if name != "digest"}
    values["files"] = {name: FileRecord(**record) for name, record in data["files"].items()}
    if not all(isinstance(record.bytes, int) for record in values["files"].values()):
        raise ValueError("the size of a file is no number")
    values["parents"] = {role: Parent(**parent) for role, parent in data["parents"].items()}
    manifest = Manifest(path=path, **values)
    if manifest.digest != data["digest"]:
        raise ValueError(f"its digest is {manifest.digest}, it says {data['digest']}")
    return manifest


def _nothing_there(path: Path, kind: str | None) -> str:
    """Say that an artifact is missing, and name one beside it of nearly the same name."""
    beside = [place.parent.name for place in path.parent.glob(f"[!.]*/{MANIFEST}")]
    near = get_close_matches(path.name, [name for name in beside if name != path.name], 1)
    hint = f"; did you mean {path.with_name(near[0])}?" if near else ""
    problem = f"has no {MANIFEST}, so it is no {kind or 'artifact'}" if path.is_dir() else "does not exist"
    return problem + hint
