"""What a driving study's page tells of the state model: samples, goggles (Table 1), novelty (Table 2)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from probes.domains.driving_records import records
from probes.domains.driving_sections import SHOWN, Shelf, estimate
from probes.report.contract import Bar, Cell, Column, Item, Number, Section, SourceRef, Stacks, Table, Text
from probes.states import StateLayout

CONSISTENT = {
    "road_below_horizon": "ground below the horizon, sky above",
    "smooth": "regions rather than specks",
    "nobody_floats": "people and cars stand on the ground",
    "frames_agree": "consecutive frames agree",
    "realistic": "all of these",
}
"""What is checked of a scene, in words."""
MODELS = {
    "vae": "vae (the paper's, errors not weighed)",
    "lp": "lp (the paper's, errors weighed by saliency)",
    "full": "full (the paper's, with the agent's loss too)",
    "paper": "paper (the paper's, with the agent's loss too)",
    "crisp": "crisp (our own)",
}
"""State models by the names that rows of Table 1 go by, in words."""
SOURCES = {"samples": "random samples of the state model", "held-out": "recorded, held out"}
"""Rows of Table 2 that are no target, in words."""


def model_section(shelf: Shelf, model: Path) -> Section:
    """Tell how far the state model can be trusted.

    Args:
        shelf: of the study.
        model: the searched state model, whose record is told too if it is a shipped one.
    """
    told, source = shelf.result("samples"), shelf.source("samples")
    kept = [_sample_numbers(one.result, one.source) for one in records(model, "samples")]
    return Section(
        "model",
        "The state model, and how far to trust it",
        "All synthesised states are drawn by a model that learned to draw recorded ones. What it cannot draw "
        "cannot be found, and what it draws too often may look like a finding.",
        (
            Stacks(
                "Random samples of the state model, searched for nothing",
                "Scenes that could have been recorded: a road, houses at its side, cars and people on the "
                "ground.",
                "samples/stored.npy",
                StateLayout.from_json(told["layout"]),
                tuple(range(min(2 * SHOWN, int(told["samples"])))),
                source,
            ),
            *_sample_numbers(told, source),
            *(number for numbers in kept for number in numbers),
            _classes(told, source),
            _realism(told, source),
        ),
    )


def _sample_numbers(told: dict[str, Any], source: SourceRef) -> tuple[Number, Number]:
    within = told["classes_within"]
    realistic = estimate(told["realism"]["samples"]["realistic"])
    assert realistic is not None
    return (
        Number(
            "classes that samples draw as often as recorded states, within 25%, in area and in number "
            "of blobs",
            int(within["within"]),
            source,
            note=f"of {within['of']} classes that fill more than {told['least_share']:.1%} of the pixels; "
            f"{told['samples']:,} samples",
            bar=Bar("every one of them", within["within"] == within["of"]),
        ),
        Number("samples that are consistent with themselves", realistic, source, "%", "n counts the samples"),
    )


def _classes(told: dict[str, Any], source: SourceRef) -> Table:
    rows = tuple(
        (
            one["class"],
            one["real_share"],
            estimate(one["area_ratio"]),
            estimate(one["blobs_ratio"]),
            "yes" if one["within_25_percent"] else "no",
        )
        for one in told["classes"]
    )
    return Table(
        "Classes in random samples, relative to recorded states",
        "Ratios near 1: the class is drawn as often as it was recorded. Above 1 it is drawn too often, below "
        "1 too rarely. A blob is a connected region of one class.",
        (
            Column("class"),
            Column("share of recorded pixels", "%"),
            Column("area, sampled / recorded"),
            Column("blobs, sampled / recorded"),
            Column("both within 25%"),
        ),
        rows,
        source,
    )


def _realism(told: dict[str, Any], source: SourceRef) -> Table:
    samples, real = told["realism"]["samples"], told["realism"]["real"]
    rows: list[tuple[Cell, ...]] = [
        (CONSISTENT.get(name, name.replace("_", " ")), estimate(samples[name]), estimate(real[name]))
        for name in samples
    ]
    return Table(
        "Scenes that are consistent with themselves",
        "Random samples that keep the rules as often as recorded states do.",
        (Column("rule"), Column("random samples", "%"), Column("recorded states", "%")),
        tuple(rows),
        source,
    )


def goggles_item(shelf: Shelf) -> Table:
    """Tell how well the agent plays through each state model (Table 1)."""
    return _goggles(shelf.result("goggles"), shelf.source("goggles"), "")


def shipped_goggles(models: Iterable[Path]) -> list[Item]:
    """Tell the same of shipped state models by the records that come with them, each record once."""
    found = {one.source: one for model in models for one in records(model, "goggles")}
    items: list[Item] = []
    for source, record in found.items():
        episodes = record.result["table"]["agent"]["n"]
        items.append(_goggles(record.result, source, f", shipped record: {episodes} episodes"))
        if record.note:
            items.append(Text(f"A note that comes with this record: {record.note}"))
    return items


def _goggles(told: dict[str, Any], source: SourceRef, more: str) -> Table:
    table = told["table"]
    rows: list[tuple[Cell, ...]] = [("the agent, sees the states themselves", estimate(table["agent"]), None)]
    for name, row in table["rows"].items():
        drawn = f"the agent, sees what state model {MODELS.get(name, name)} draws"
        rows.append((drawn, estimate(row["returns"]), estimate(row["kept"])))
    rows.append((f"no agent: always {told['floor']}", estimate(table["floor"]), None))
    return Table(
        "The agent plays while it sees only what a state model draws of each state (Table 1 of the paper)"
        + more,
        "A return as high as the agent's own: the state model then keeps what the agent decides by. Kept is "
        f"the return above that of always {told['floor']}, as a share of the agent's own above it; return "
        "is the sum of an episode's rewards, n the episodes.",
        (Column("who plays"), Column("return"), Column("kept", "%")),
        tuple(rows),
        source,
    )


def novelty_item(shelf: Shelf) -> Table:
    """Tell how far synthesised states are from the nearest recorded one (Table 2)."""
    told = shelf.result("novelty")
    limits = tuple(told["paper"]["more_than"])
    rows: list[tuple[Cell, ...]] = []
    for name, one in told["sources"].items():
        rows.append((_novelty_label(name, one), *_novelty(one, limits)))
    paper = (*told["paper"]["more_than"].values(), told["paper"]["mean"])
    rows.append(("in the paper, of its own driving states", *paper, None))
    return Table(
        "How far states differ from the nearest recorded one (Table 2 of the paper)",
        "Rows that differ more than the held-out recorded states do: those give the scale, for a new "
        "recorded state differs too. Of synthesised states those that pass the checks count. Noise would "
        "differ most of all, so the last column says how many scenes are consistent with themselves.",
        (
            Column("states"),
            *(Column(f"in more than {float(limit):.0%} of pixels", "%") for limit in limits),
            Column("pixels that differ, mean", "%"),
            Column("consistent", "%"),
        ),
        tuple(rows),
        shelf.source("novelty"),
    )


def _novelty_label(name: str, one: dict[str, Any]) -> str:
    return f"synthesised for {one['target']['name']}" if "target" in one else SOURCES.get(name, name)


def _novelty(one: dict[str, Any], limits: tuple[str, ...]) -> tuple[Cell, ...]:
    """Return the cells of a row; of findings, those that pass the checks."""
    found = "target" in one
    part, realism = (one["passed"], one["realism_passed"]) if found else (one["all"], one["realism"])
    if part is None:
        return (None,) * (len(limits) + 2)
    told = part["range_all_frames"]
    shares = (estimate(told["more_than"][limit]) for limit in limits)
    return (*shares, estimate(told["mean_changed"]), estimate(realism["realistic"]))
