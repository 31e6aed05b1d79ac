"""What is wrong with a scenario file, and where."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_ISSUES = 100
"""More than these are counted and not shown."""

FieldPath = tuple[str | int, ...]

_SIMPLE = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, order=True)
class Issue:
    """One thing that is wrong, at one place."""

    file: str
    line: int
    """From 1."""
    column: int
    """From 1, in characters."""
    path: str
    """Dotted names down to the value, `-` for the file as a whole."""
    message: str
    """What is wrong, what is allowed, the nearest spelling."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}  {self.path}  {self.message}"


class ScenarioError(ValueError):
    """A scenario that cannot be used; carries every issue that was found, at least one."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        super().__init__("\n".join(map(str, issues)))
        self.issues: list[Issue] = list(issues)

    def __reduce__(self) -> tuple[type[ScenarioError], tuple[list[Issue]]]:
        return type(self), (self.issues,)


def in_order(issues: Iterable[Issue], first_file: str) -> list[Issue]:
    """Sort issues by place, those of `first_file` first, without repeats, and cut a long list."""
    ordered = sorted(set(issues), key=lambda issue: (issue.file != first_file, issue))
    if len(ordered) <= MAX_ISSUES:
        return ordered
    last = ordered[MAX_ISSUES]
    more = f"{len(ordered) - MAX_ISSUES} more issues are not shown"
    return [*ordered[:MAX_ISSUES], Issue(last.file, last.line, last.column, "-", more)]


def dotted(path: FieldPath) -> str:
    """Write a path for people: `pedestrians.profiles.attentive`; odd names are quoted and cut."""
    parts = (part if _SIMPLE.fullmatch(part) else shown(part) for part in map(str, path))
    return ".".join(parts) or "-"


def shown(value: object) -> str:
    """Write a value as it would stand in the file, on one line, cut after 60 characters."""
    if value is None:
        return "nothing"
    # A long text is cut before it is quoted, so that a megabyte costs nothing.
    cut = value[:80] if isinstance(value, str) else value
    text = json.dumps(cut, default=str, ensure_ascii=False)
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= 60 else f"{text[:57]}..."
