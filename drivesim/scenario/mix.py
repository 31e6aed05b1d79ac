"""A mix: found scenarios to train on beside the usual one, and how many worlds play each of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivesim.scenario.diff import Change, diff
from drivesim.scenario.errors import Issue, ScenarioError, in_order, shown
from drivesim.scenario.explain import nearest
from drivesim.scenario.loader import display, find_named, load, read_bytes, scenario_digest
from drivesim.scenario.schema import Scenario
from drivesim.scenario.strict_yaml import Node, Unusable, parse, plain

SHARE = 0.5
"""Of the worlds, where nothing is said: half of what is seen remains as it was."""
KEYS = ("schema_version", "share", "scenarios")
PICTURES = frozenset({"camera", "modalities", "stack", "stack_stride"})
"""Sections that fix what an agent sees."""
ACTIONS = frozenset({"actions", "sim.decision_hz"})
"""What fixes what an agent does, and for how long."""

_ENTRIES = "a list of shipped names and .yaml files in the same folder"
_SHOWN_CHANGES = 3


@dataclass(frozen=True)
class Part:
    """A scenario and how many worlds play it."""

    scenario: Scenario
    worlds: int


@dataclass(frozen=True)
class Mix:
    """Which worlds play what."""

    share: float
    """Of the worlds that play found scenarios, in (0, 1], as it was asked for."""
    parts: tuple[Part, ...]
    """The usual scenario, unless no world is left for it, then the found ones in their order."""

    def record(self) -> dict[str, Any]:
        """Return what an agent's metadata keeps: two mixes are the same if their records are."""
        parts = [
            {"scenario": p.scenario.name, "sha256": scenario_digest(p.scenario), "worlds": p.worlds}
            for p in self.parts
        ]
        return {"share": self.share, "parts": parts}


def in_words(record: Mapping[str, Any] | None) -> str:
    """Tell what `Mix.record` returned; None is no mix."""
    if record is None:
        return "no mix"
    parts = (f"{p['worlds']} of {p['scenario']} (sha256 {p['sha256'][:8]})" for p in record["parts"])
    return f"a mix, share {record['share']:g}, worlds: {', '.join(parts)}"


def split(share: float, worlds: int, scenarios: int) -> list[int]:
    """Split worlds among the usual scenario and the found ones.

    Args:
        share: of the worlds, for all found scenarios together; rounded to whole worlds, halves up.
        worlds: in all.
        scenarios: how many were found; they get as many each, the first of them one more if need be.

    Returns:
        The usual scenario's number, then that of each found one.
    """
    found = math.floor(share * worlds + 0.5)
    return [worlds - found, *(found // scenarios + (i < found % scenarios) for i in range(scenarios))]


def load_mix(path: Path, usual: Scenario, worlds: int) -> Mix:
    """Load a mix.

    Args:
        path: a YAML file with `scenarios`, shipped names or files in the same folder, and their `share` of
            the worlds; or a folder, all of whose `*.yaml` are then the scenarios.
        usual: what the other worlds play.
        worlds: in all.

    Raises:
        ScenarioError: with every issue of the file and of the scenarios that it names: those must show the
            pictures and offer the actions of the usual one.
    """
    file, is_folder = display(path), path.is_dir()
    root, issues = _list_folder(path) if is_folder else parse(read_bytes(path), file, "scenarios")
    if root is None:
        raise ScenarioError(in_order(issues, file))
    issues += _unknown_keys(root)
    share = _share(root, issues)
    entries = _entries(root, issues)
    folder = path if is_folder else path.parent
    places = ("-" if is_folder else f"scenarios.{i}" for i in range(len(entries)))
    found = [_load_entry(*entry, folder, usual, issues) for entry in zip(entries, places, strict=True)]
    if share is not None and entries:
        issues += _crowded(root, share, worlds, len(entries), usual.name)
    scenarios = [scenario for scenario in found if scenario is not None]
    if issues or share is None:
        raise ScenarioError(in_order(issues, file))
    counts = split(share, worlds, len(scenarios))
    parts = (Part(*pair) for pair in zip([usual, *scenarios], counts, strict=True))
    return Mix(share, tuple(part for part in parts if part.worlds))


def _list_folder(folder: Path) -> tuple[Node | None, list[Issue]]:
    """Return the tree that a file naming all scenarios of the folder would have, each at its own place."""
    file = display(folder)
    files = sorted(folder.glob("*.yaml"))
    if not files:
        return None, [Issue(file, 1, 1, "-", "the folder is empty; allowed: one with .yaml files")]
    entries = [Node(each.name, display(each), 1, 1, 1, 1) for each in files]
    return Node({"scenarios": Node(entries, file, 1, 1, 1, 1)}, file, 1, 1, 1, 1), []


def _unknown_keys(root: Node) -> Iterator[Issue]:
    """Yield the keys that mean nothing, and a version that is not known."""
    assert isinstance(root.value, dict)
    for key, node in root.value.items():
        if key not in KEYS:
            message = f"unknown key; allowed: {', '.join(KEYS)}{nearest(key, KEYS)}"
            yield Issue(node.file, node.key_line, node.key_column, key, message)
    version = root.value.get("schema_version")
    if version is not None and not isinstance(version.value, Unusable) and _number(version) != 1:
        yield _issue(version, "schema_version", f"found {shown(plain(version))}; allowed: 1")


def _number(node: Node) -> float | None:
    """Return a node's number, which true and false are not; None if it is none."""
    is_number = isinstance(node.value, int | float) and not isinstance(node.value, bool)
    return float(node.value) if is_number else None  # type: ignore[arg-type]  # is_number says so


def _share(root: Node, issues: list[Issue]) -> float | None:
    """Return the found scenarios' share of the worlds; None beside an issue."""
    assert isinstance(root.value, dict)
    node = root.value.get("share")
    if node is None:
        return SHARE
    share = _number(node)
    if share is not None and 0 < share <= 1:
        return share
    if not isinstance(node.value, Unusable):
        message = f"found {shown(plain(node))}; allowed: a number above 0, 1 at most"
        issues.append(_issue(node, "share", message))
    return None


def _entries(root: Node, issues: list[Issue]) -> list[Node]:
    """Return the nodes of the scenarios' names; none beside an issue."""
    assert isinstance(root.value, dict)
    node = root.value.get("scenarios")
    if node is None:
        issues.append(_issue(root, "scenarios", f"missing; allowed: {_ENTRIES}"))
        return []
    if isinstance(node.value, Unusable):
        return []
    if not isinstance(node.value, list) or not node.value:
        message = f"found {shown(plain(node))}; allowed: {_ENTRIES}, at least one"
        issues.append(_issue(node, "scenarios", message))
        return []
    seen: dict[object, int] = {}
    for i, entry in enumerate(node.value):
        if not isinstance(entry.value, str):
            message = f"found {shown(plain(entry))}; allowed: a shipped name, or a .yaml file's name"
            issues.append(_issue(entry, f"scenarios.{i}", message))
        elif entry.value in seen:
            message = f"{shown(entry.value)} is given twice, first in line {seen[entry.value]}; allowed: once"
            issues.append(_issue(entry, f"scenarios.{i}", message))
        else:
            seen[entry.value] = entry.line
    return node.value


def _load_entry(
    node: Node, place: str, folder: Path, usual: Scenario, issues: list[Issue]
) -> Scenario | None:
    """Load a scenario that shows and offers what the usual one does; None beside an issue."""
    if not isinstance(node.value, str):
        return None
    path = find_named(node.value, folder)
    if isinstance(path, str):
        issues.append(_issue(node, place, path))
        return None
    try:
        scenario = load(path)
    except ScenarioError as error:
        issues += error.issues
        return None
    differing = diff(usual, scenario)
    seen = [change for change in differing if change.path.partition(".")[0] in PICTURES]
    done = [change for change in differing if {change.path, change.path.partition(".")[0]} & ACTIONS]
    for changes, what in ((seen, "shows other pictures"), (done, "offers other actions")):
        if changes:
            message = f"{node.value} {what} than {usual.name}: {_told(changes)}; allowed: the same"
            issues.append(_issue(node, place, message))
    return scenario


def _told(changes: list[Change]) -> str:
    told = [f"{c.path} is {shown(c.after)}, not {shown(c.before)}" for c in changes[:_SHOWN_CHANGES]]
    more = len(changes) - _SHOWN_CHANGES
    return ", ".join([*told, f"{more} more"] if more > 0 else told)


def _crowded(root: Node, share: float, worlds: int, scenarios: int, usual: str) -> Iterator[Issue]:
    """Yield what is wrong where a scenario would be played by no world."""
    assert isinstance(root.value, dict)
    left, *found = split(share, worlds, scenarios)
    if min(found) == 0:
        message = (
            f"{scenarios} scenarios are to share {sum(found)} of {worlds} worlds; allowed: at most as many "
            "scenarios as worlds"
        )
        yield _issue(root.value["scenarios"], "scenarios", message)
    if left == 0 and share < 1:
        message = f"leaves none of {worlds} worlds to {usual}; allowed: less, or 1 if that is meant"
        yield _issue(root.value.get("share", root), "share", message)


def _issue(node: Node, path: str, message: str) -> Issue:
    return Issue(node.file, node.line, node.column, path, message)
