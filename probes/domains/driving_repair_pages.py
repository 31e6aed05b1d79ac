"""Chapter of a driving study's page: the agent trained on with what was found, before and after."""

from __future__ import annotations

from typing import Any

from probes.domains.driving_repair import AFTER, BEFORE, CONTROL, HELD_OUT, REPEATED, TRAINED
from probes.domains.study_sections import Shelf, estimate
from probes.report.contract import Cell, Column, Item, Number, Section, SourceRef, Table, Text

WORDS = {
    BEFORE: "as it was",
    AFTER: "trained on with found scenarios",
    CONTROL: "trained as long without them",
}


def repair_section(shelf: Shelf) -> Section:
    """Tell what training on found scenarios did to others like them, and to what the agent knew."""
    told, source = shelf.result("repair"), shelf.source("repair")
    items: tuple[Item, ...] = (Text(f"Not tried: {told['why_not']}."),)
    if told["why_not"] is None:
        items = (_gap(told, BEFORE, source), _gap(told, CONTROL, source), _table(told, source))
    return Section(
        "repair",
        "Can it be mended?",
        "Each moment from which an avoidable hit followed, found or recorded, has become a scenario with one "
        f"scripted crossing; those count that end in such a hit again for {REPEATED:.0%} of their seeds. "
        f"From every other one the agent learns on, {told['steps']:,} decisions, in half of the towns; the "
        "rest are held out. Training as long without them tells what of the difference is their doing. It is "
        "mended if it hits fewer in those held out for sure, than before and than without; a scenario counts "
        "as one trial, and fewer than five decide nothing.",
        items,
    )


def _gap(told: dict[str, Any], other: str, source: SourceRef) -> Number:
    gap = estimate(told["after_less"][other][HELD_OUT])
    assert gap is not None
    label = (
        f"avoidable hits in {len(told[HELD_OUT])} held-out scenarios, less those of the agent {WORDS[other]}"
    )
    return Number(label, gap, source, "%", f"verdict: {told['verdict']}")


def _table(told: dict[str, Any], source: SourceRef) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            f"{_place(place)}, {WORDS[name]}",
            by_place[place]["trials"],
            estimate(by_place[place]["avoidable"]),
            estimate(by_place[place]["mean_speed"]),
        )
        for place in told["drivers"][BEFORE]
        for name, by_place in told["drivers"].items()
    ]
    return Table(
        "Before and after",
        "Fewer avoidable hits after than before in what was held out, at a speed hardly lower; and not after "
        "the same training without found scenarios.",
        (Column("where, who"), Column("trials"), Column("avoidable hits", "%"), Column("speed", "m/s")),
        tuple(rows),
        source,
    )


def _place(name: str) -> str:
    return f"found scenarios, {name}" if name in (HELD_OUT, TRAINED) else name
