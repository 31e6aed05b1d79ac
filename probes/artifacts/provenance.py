"""Where a result came from: the command, the versions and the commit of the program that made it."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

_PACKAGES = ("drivesim", "numpy", "torch", "safetensors", "scipy", "captum", "kornia")


class Commit(NamedTuple):
    """What a program's source was."""

    commit: str | None
    """None when it does not lie in a checkout of its own."""
    dirty: bool | None
    """Whether the checkout differed from the commit."""


_called: ContextVar[tuple[str, ...] | None] = ContextVar("called", default=None)


@contextmanager
def called(*words: str) -> Iterator[None]:
    """Say which command is run where one command runs another in its own process."""
    token = _called.set(words)
    try:
        yield
    finally:
        _called.reset(token)


def command() -> str:
    """Return the line that started this process, or that was `called` within it, as a shell reads it."""
    words = _called.get()
    if words is not None:
        return shlex.join(words)
    program = Path(sys.argv[0])
    started = ["python", "-m", program.parent.name] if program.name == "__main__.py" else [program.name]
    return shlex.join(started + sys.argv[1:])


def package_versions() -> dict[str, str]:
    """Return the versions, by name, of those installed packages that results depend on."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


@cache
def commit_of(package: Path) -> Commit:
    """Return the commit of the checkout whose root holds the directory `package`.

    Asked once a process: what runs is what was there when it began.

    A package installed below an unrelated checkout, in its virtual environment say, has none.
    """
    try:
        top, commit = _git(package, "rev-parse", "--show-toplevel", "HEAD").splitlines()
        if Path(top).resolve() != package.resolve().parent:
            return Commit(None, None)
        return Commit(commit, bool(_git(package, "status", "--porcelain")))
    except (OSError, ValueError, subprocess.SubprocessError):
        return Commit(None, None)


def _git(directory: Path, *arguments: str) -> str:
    # Without optional locks: looking must not write to the index.
    words = ["git", "--no-optional-locks", *arguments]
    done = subprocess.run(words, cwd=directory, capture_output=True, text=True, check=True, timeout=20)
    return done.stdout
