"""What a study's page tells of how new its states are (Table 2)."""

from __future__ import annotations

from typing import Any

from probes.domains.study_sections import Shelf, estimate
from probes.report.contract import Cell, Column, Table

SOURCES = {"samples": "random samples of the state model", "held-out": "recorded, held out"}
"""Rows of Table 2 that are no target, in words."""


def novelty_item(shelf: Shelf) -> Table:
    """Tell how far synthesised states are from the nearest recorded one (Table 2)."""
    told = shelf.result("novelty")
    limits = tuple(told["paper"]["more_than"])
    sources: dict[str, Any] = told["sources"]
    is_checked = any("realism" in one for one in sources.values())
    rows: list[tuple[Cell, ...]] = []
    for name, one in sources.items():
        part, realism = _counted(one)
        checked = (estimate(realism and realism["realistic"]),) if is_checked else ()
        rows.append((_label(name, one), *_differences(part, limits), *checked))
    paper = (*told["paper"]["more_than"].values(), told["paper"]["mean"])
    rows.append(("in the paper, of its own driving states", *paper, *((None,) if is_checked else ())))
    last = ", so the last column says how many scenes are consistent with themselves" if is_checked else ""
    return Table(
        "How far states differ from the nearest recorded one (Table 2 of the paper)",
        "Rows that differ more than the held-out recorded states do: those give the scale, for a new "
        "recorded state differs too. Of synthesised states those that pass the checks count. Noise would "
        f"differ most of all{last}.",
        (
            Column("states"),
            *(Column(f"in more than {float(limit):.0%} of pixels", "%") for limit in limits),
            Column("pixels that differ, mean", "%"),
            *((Column("consistent", "%"),) if is_checked else ()),
        ),
        tuple(rows),
        shelf.source("novelty"),
    )


def _label(name: str, one: dict[str, Any]) -> str:
    return f"synthesised for {one['target']['name']}" if "target" in one else SOURCES.get(name, name)


def _counted(one: dict[str, Any]) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return the differences and the realism that a row tells: of findings, of those that pass the checks."""
    if "target" in one:
        return one["passed"], one.get("realism_passed")
    return one["all"], one.get("realism")


def _differences(part: dict[str, Any] | None, limits: tuple[str, ...]) -> tuple[Cell, ...]:
    if part is None:
        return (None,) * (len(limits) + 1)
    told = part["range_all_frames"]
    return (*(estimate(told["more_than"][limit]) for limit in limits), estimate(told["mean_changed"]))
