"""What a page tells of a study's findings; every number is read from the stage that made it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from probes.agent import ProbeError
from probes.artifacts.manifest import read_manifest
from probes.artifacts.payload import read_json
from probes.report.contract import (
    Column,
    Curve,
    CurveSeries,
    Histogram,
    HistogramSeries,
    Item,
    Mark,
    Section,
    SourceRef,
    Stacks,
    Table,
)
from probes.statistics import Estimate
from probes.synthesis.findings import Findings, load_findings

RESULT = "result.json"
SHOWN = 4
"""States of each target that are shown."""
J_AXIS = "J, standard deviations of recorded states"
CHECKS = {
    "chain_kl": "its chain is less probable than recorded states",
    "chain_radius": "its chain lies farther out than recorded states",
    "picture_kl": "less probable than recorded states",
    "agreement": "drawn differently the second time",
    "output_change": "judged differently the second time",
    "unreal": "shows what cannot be",
}
"""What failed, in words."""


@dataclass(frozen=True)
class Searched:
    """The findings of one formula, and all targets that it answers: T-, S- and V- of an actor-critic."""

    findings: Findings
    names: tuple[str, ...]

    @property
    def title(self) -> str:
        """All names of the target."""
        return ", ".join(self.names)


class Shelf:
    """The artifacts of one agent of a study.

    Args:
        directory: of the study.
        targets: the directories of the agent's findings, in the order of the page.
        place: where the agent's artifacts lie, relative to the study's directory.
    """

    def __init__(self, directory: Path, targets: tuple[str, ...], place: str = "") -> None:
        self.directory = directory
        self.targets = targets
        self.place = place

    def file(self, name: str) -> str:
        """Return the path of an artifact, or of a file of it, relative to the study's directory."""
        return f"{self.place}/{name}" if self.place else name

    def path(self, name: str) -> Path:
        """Return where an artifact lies."""
        return self.directory / self.file(name)

    def source(self, name: str) -> SourceRef:
        """Say what an artifact is and what made it."""
        manifest = read_manifest(self.path(name), None)
        return SourceRef(manifest.kind, manifest.digest, manifest.command, self.file(name))

    def result(self, name: str) -> dict[str, Any]:
        """Read what a stage found.

        Raises:
            ProbeError: the stage has left nothing that can be read.
        """
        found = read_json(self.path(name) / RESULT)
        if not isinstance(found, dict):
            raise ProbeError(f"{self.path(name) / RESULT}: holds no JSON object")
        return found

    @cached_property
    def searched(self) -> tuple[Searched, ...]:
        """The findings, each formula once, in the order of the targets."""
        unique: dict[str, Searched] = {}
        for name in self.targets:
            found = load_findings(self.path("findings") / name, verify=False)
            target = found.result["target"]
            earlier = unique.get(target["used"])
            if earlier:
                unique[target["used"]] = replace(earlier, names=(*earlier.names, target["name"]))
            else:
                unique[target["used"]] = Searched(found, (target["name"],))
        return tuple(unique.values())


def estimate(data: dict[str, Any] | None) -> Estimate | None:
    """Read an estimate; None where there is none."""
    return None if data is None else Estimate(data["value"], data["low"], data["high"], data["n"])


def findings_section(shelf: Shelf) -> Section:
    """Show what was synthesised for each target."""
    items: list[Item] = [_counts(shelf)]
    for searched in shelf.searched:
        items += [synthesised_stacks(shelf, searched), _recorded_stacks(shelf, searched)]
    return Section(
        "findings",
        "What the agent expects",
        "For each target a search drew states in which the agent's own numbers say what the target asks "
        "for. A state passes the checks if it is as probable as recorded ones are, stays the same, judged "
        "alike, when it goes through the state model once more, and, where that can be told, shows what can "
        "be: nobody floats, is too short or lacks a head, and frames follow from each other. What could not "
        "be is drawn again a few times from where its chain ended. States that fail are counted, and "
        "marked where they are shown; no other number below includes them unless it says so.",
        tuple(items),
    )


def _counts(shelf: Shelf) -> Table:
    rows = []
    for searched in shelf.searched:
        told = searched.findings.result
        passed, variety = told["passed"], told["variety_passing"]
        rows.append(
            (
                searched.title,
                told["target"]["description"],
                estimate(told["passing"]),
                estimate(passed and passed["beyond_99"]),
                estimate(passed and passed["beyond_maximum"]),
                estimate(variety and variety["relative"]),
            )
        )
    return Table(
        "The targets, and how many of the synthesised states pass the checks",
        "How much of what passes lies beyond recorded states: J higher than in 99% of them, or than in all. "
        "Variety compares how much two states that pass differ with how much two recorded states of high J "
        "do; far below 100% the search has drawn one state again and again.",
        (
            Column("target"),
            Column("looks for"),
            Column("pass the checks", "%"),
            Column("of them beyond 99% of recorded", "%"),
            Column("beyond all recorded", "%"),
            Column("variety", "%"),
        ),
        tuple(rows),
        shelf.source(f"findings/{shelf.searched[0].findings.name}"),
    )


def synthesised_stacks(shelf: Shelf, searched: Searched, of: str = "") -> Stacks:
    """Show the best findings of a target.

    Args:
        shelf: that they lie on.
        searched: the findings.
        of: whose findings they are, if not of the studied agent.
    """
    found = searched.findings
    chosen = tuple(int(index) for index in found.order[:SHOWN])
    whom = f" of {of}" if of else ""
    return Stacks(
        f"Synthesised for {searched.title}{whom}: {found.result['target']['description']}",
        "What these states have in common, and what is never among them. Below each: how many of the "
        "recorded states it exceeds in J, and the action that the agent likes best there.",
        shelf.file(f"findings/{found.name}/stored.npy"),
        found.layout,
        chosen,
        shelf.source(f"findings/{found.name}"),
        tuple(_label(found.result["findings"][index]) for index in chosen),
    )


def _recorded_stacks(shelf: Shelf, searched: Searched) -> Stacks:
    """Show the real states of the highest objective."""
    found = searched.findings
    return Stacks(
        f"Recorded states with the highest J of {searched.title}",
        "Whether the synthesised states show more of the same, or something else.",
        shelf.file(f"findings/{found.name}/real_highest.npy"),
        found.layout,
        tuple(range(min(SHOWN, len(found.real_highest)))),
        shelf.source(f"findings/{found.name}"),
    )


def _label(row: dict[str, Any]) -> str:
    above = "all" if row["beyond_maximum"] else f"{math.floor(row['percentile'])}% of"
    label = f"J above {above} recorded; best action: {row['greedy']}"
    if row["passes"]:
        return label
    return f"{label}; fails: {', '.join(CHECKS.get(name, name) for name in row['failed'])}"


def search_section(shelf: Shelf) -> Section:
    """Show how the searches went, and where their findings lie among real states."""
    told = shelf.result("objective")["targets"]
    source = shelf.source("objective")
    items: list[Item] = [_search_curve(shelf, one) for one in shelf.searched if one.findings.name in told]
    items += [_histogram(one, source) for one in told.values()]
    items.append(_beyond(told, source))
    return Section(
        "objective",
        "Beyond what was recorded",
        "A synthesised state tells something new if the agent judges it more extreme than any recorded "
        "state (Fig. 8 of the paper). The recorded states here are held out: the state model never saw them.",
        tuple(items),
    )


def _search_curve(shelf: Shelf, searched: Searched) -> Curve:
    found = searched.findings
    curve = found.result["curve"]
    chains = len(found.mu)
    return Curve(
        f"The search for {searched.title}, step by step",
        "A line that rises and levels off. One that keeps rising was stopped too early, or leaves what "
        "is probable.",
        "step of the search",
        J_AXIS,
        (
            CurveSeries(
                f"mean of {chains} chains",
                tuple(float(row["step"]) for row in curve),
                tuple(row["objective"] for row in curve),
                tuple(row["objective_quantiles"][1] for row in curve),
                tuple(row["objective_quantiles"][3] for row in curve),
                f"quartiles of {chains} chains",
            ),
        ),
        shelf.source(f"findings/{found.name}"),
    )


def _histogram(told: dict[str, Any], source: SourceRef) -> Histogram:
    bins = told["histogram"]
    edges = tuple(bins["edges"])
    passing = round(told["passing"]["value"] * told["findings"])
    return Histogram(
        f"J of {told['target']['name']}: recorded states and synthesised ones",
        "Synthesised states to the right of the largest recorded J.",
        J_AXIS,
        (
            HistogramSeries("recorded, held out", edges, tuple(bins["real"]), told["real_states"]),
            HistogramSeries("synthesised", edges, tuple(bins["synthesised"]), told["findings"]),
            HistogramSeries("of these, pass the checks", edges, tuple(bins["on_manifold"]), passing),
        ),
        source,
        "share of states",
        marks=(Mark("largest recorded", told["real_quantiles"]["1.0"]),),
    )


def _beyond(told: dict[str, Any], source: SourceRef) -> Table:
    rows = tuple(
        (
            one["target"]["name"],
            *(
                estimate(one["passed"] and one["passed"][key])
                for key in ("beyond_99", "beyond_maximum", "auroc")
            ),
        )
        for one in told.values()
    )
    return Table(
        "Synthesised states that pass the checks, against recorded states that were held out",
        "At least 50% beyond 99% of the recorded states: this was asked of T-, T+ and T±. AUROC is the "
        "probability that a synthesised state has a higher J than a recorded one: 0.5 where they do not "
        "differ, 1 where all are higher.",
        (
            Column("target"),
            Column("beyond 99% of recorded", "%"),
            Column("beyond all recorded", "%"),
            Column("AUROC"),
        ),
        rows,
        source,
    )
