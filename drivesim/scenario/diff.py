"""What two scenarios do differently."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drivesim.scenario.errors import dotted
from drivesim.scenario.quantity import is_distribution
from drivesim.scenario.schema import Scenario

LABELS = frozenset({"name", "extends", "description"})
"""Fields that change nothing in the world, and are not compared."""

_Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Absent:
    """Stands for a value that one of the scenarios does not have."""

    def __str__(self) -> str:
        return "absent"


ABSENT = Absent()


@dataclass(frozen=True)
class Change:
    """One value that differs."""

    path: str
    """Dotted names down to the value."""
    before: object
    """In the first scenario, as plain data; ABSENT if it has none."""
    after: object
    """In the second scenario."""


def diff(first: Scenario, second: Scenario) -> list[Change]:
    """List the values that differ between two scenarios, labels apart, in the schema's order."""
    before, after = (scenario.model_dump(mode="json", exclude=set(LABELS)) for scenario in (first, second))
    return list(_changes(before, after, ()))


def _children(value: object) -> dict[str | int, object] | None:
    """Return what a value is made of, by name or place; None when it is one value."""
    if isinstance(value, dict) and not is_distribution(value):
        return value
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return dict(enumerate(value))
    return None


def _changes(before: object, after: object, path: _Path) -> Iterator[Change]:
    old, new = _children(before), _children(after)
    if old is not None and new is not None and not _reordered(old, new, path):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _changes(old.get(key, ABSENT), new.get(key, ABSENT), (*path, key))
    elif before != after or old is not None:
        yield Change(dotted(path), before, after)


def _reordered(old: dict[str | int, object], new: dict[str | int, object], path: _Path) -> bool:
    """Say whether the same actions stand in another order, which numbers them otherwise."""
    return path == ("actions",) and set(old) == set(new) and list(old) != list(new)
