"""Shipped state models: an artifact each, with the log of its fit and the measures taken of it."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from probes.agent import ProbeError
from probes.artifacts.manifest import MANIFEST


def models_directory() -> Path:
    """Return the directory that holds the shipped state models."""
    return Path(__file__).parent


def shipped_models() -> list[str]:
    """List the shipped state models' names."""
    return sorted(path.parent.name for path in models_directory().glob(f"*/{MANIFEST}"))


def find_model(name: str) -> Path:
    """Find a state model: a shipped name, or an artifact's directory.

    Raises:
        ProbeError: there is none; the message names the nearest spelling.
    """
    for path in (models_directory() / name, Path(name)):
        if (path / MANIFEST).is_file():
            return path
    known = shipped_models()
    near = get_close_matches(name, known, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    allowed = ", ".join([*known, "a directory that `probes fit` wrote"])
    raise ProbeError(f"no state model {name!r}: allowed are {allowed}{hint}")
