"""The stage that groups a study's findings, and its chapter: how many different weaknesses there are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from probes.domains.study_sections import Shelf, estimate
from probes.domains.study_steps import finding_name
from probes.report.contract import Column, Item, Section, Stacks, Table, Text
from probes.study import Step
from probes.synthesis.findings import load_findings

SHOWN = 6
"""Groups of each target that are shown, the largest."""


def clusters_step(targets: Sequence[str], player: tuple[str, ...], directory: Path) -> Step:
    """Return the stage that groups findings.

    Args:
        targets: whose findings, by name.
        player: the options that name the agent.
        directory: of the study.
    """
    found = [str(directory / "findings" / finding_name(target)) for target in targets]
    words = ("clusters", *found, "--states", str(directory / "states"), *player)
    return Step("group the findings", (*words, "-o", str(directory / "clusters")))


def clusters_section(shelf: Shelf) -> Section:
    """Tell how many different things the findings show, and show one of each."""
    told, source = shelf.result("clusters")["targets"], shelf.source("clusters")
    rows = tuple(
        (
            one["target"]["name"],
            one["findings"],
            one["found"],
            one["alone"],
            estimate(one["recorded"]),
            estimate(one["stability"]),
        )
        for one in told.values()
    )
    counts = Table(
        "Groups of findings",
        "Few groups: the target asks for few different situations; beside them, into how many as many "
        "recorded states fall, drawn at random. Alone: findings like no other. Stability: how much of the "
        "grouping random halves of the findings give again; 1 is all of it.",
        (
            Column("synthesised for"),
            Column("findings"),
            Column("groups"),
            Column("alone"),
            Column("groups of recorded states"),
            Column("stability"),
        ),
        rows,
        source,
    )
    items: list[Item] = [counts]
    for name, one in told.items():
        items.append(_groups(shelf, name, one) if one["clusters"] else Text(f"{name}: nothing was found."))
    return Section(
        "clusters",
        "How many different situations are these?",
        "Findings are grouped by what they show and by what the agent makes of it. Two belong together if "
        "they are more alike than recorded states of different episodes usually are.",
        tuple(items),
    )


def _groups(shelf: Shelf, name: str, told: dict[str, Any]) -> Stacks:
    """Show the finding in the middle of each of the largest groups."""
    groups = told["clusters"][:SHOWN]
    found = load_findings(shelf.path("findings") / name, verify=False)
    labels = tuple(
        # Nothing is known in words of what a game's pictures show.
        f"{len(one['members'])} of {told['findings']}" + (f": {one['apart']}" if one["apart"] else "")
        for one in groups
    )
    return Stacks(
        f"{told['target']['name']}: one of each group, the largest first",
        "Under each, how many are like it, and, of streets, what sets them apart from the other findings.",
        shelf.file(f"findings/{name}/stored.npy"),
        found.layout,
        tuple(one["medoid"] for one in groups),
        shelf.source(f"findings/{name}"),
        labels,
    )
