"""What a driving study's page tells of the state model: samples, goggles (Table 1), novelty (Table 2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from probes.domains.model_records import records
from probes.domains.study_model import model_section
from probes.domains.study_sections import Shelf, estimate
from probes.report.contract import Bar, Cell, Column, Number, Section, SourceRef, Table

CONSISTENT = {
    "road_below_horizon": "ground below the horizon, sky above",
    "smooth": "regions rather than specks",
    "nobody_floats": "people and cars stand on the ground",
    "frames_agree": "consecutive frames agree",
    "realistic": "all of these",
}
"""What is checked of a scene, in words."""


def trust_section(shelf: Shelf, model: Path) -> Section:
    """Tell how far the state model can be trusted.

    Args:
        shelf: of the study.
        model: the searched state model, whose record is told too if it is a shipped one.
    """
    told, source = shelf.result("samples"), shelf.source("samples")
    kept = [_sample_numbers(one.result, one.source) for one in records(model, "samples")]
    return model_section(
        shelf,
        "Scenes that could have been recorded: a road, houses at its side, cars and people on the ground.",
        (
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
