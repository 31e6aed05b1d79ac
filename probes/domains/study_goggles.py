"""What a study's page tells of the paper's measures, playing through state models (Table 1) before all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from probes.domains.model_records import records
from probes.domains.study_novelty import novelty_item
from probes.domains.study_sections import Shelf, estimate
from probes.report.contract import Cell, Column, Item, Section, SourceRef, Table, Text

MODELS = {
    "vae": "vae (the paper's, errors not weighed)",
    "lp": "lp (the paper's, errors weighed by saliency)",
    "full": "full (the paper's, with the agent's loss too)",
    "paper": "paper (the paper's, with the agent's loss too)",
    "crisp": "crisp (our own)",
}
"""State models by the names that rows of Table 1 go by, in words."""


def goggles_items(shelf: Shelf) -> list[Item]:
    """Tell how well the agent plays through each state model (Table 1); of games also by clipped rewards."""
    told, source = shelf.result("goggles"), shelf.source("goggles")
    items: list[Item] = [_goggles(told["table"], told["floor"], source, "")]
    if "clipped" in told:
        by_signs = ", each reward counted by its sign alone"
        items.append(_goggles(told["clipped"], told["floor"], source, by_signs))
    return items


def measures_section(shelf: Shelf, goggles: Iterable[Item], models: Iterable[Path], acts: str) -> Section:
    """Tell of the paper's two measures.

    Args:
        shelf: of the study.
        goggles: what the study found of them itself.
        models: whose records are told beside.
        acts: what the agent does, such as `drive`.
    """
    return Section(
        "measures",
        "What the state model keeps, and how new its states are",
        f"Two measures of the paper. Does the agent still {acts} well if it sees only what the state model "
        "draws? And are synthesised states more than copies of recorded ones?",
        (*goggles, *shipped_goggles(models), novelty_item(shelf)),
    )


def shipped_goggles(models: Iterable[Path]) -> list[Item]:
    """Tell the same of shipped state models by the records that come with them, each record once."""
    found = {one.source: one for model in models for one in records(model, "goggles")}
    items: list[Item] = []
    for source, record in found.items():
        episodes = record.result["table"]["agent"]["n"]
        told = record.result
        more = f", shipped record: {episodes} episodes"
        items.append(_goggles(told["table"], told["floor"], source, more))
        if record.note:
            items.append(Text(f"A note that comes with this record: {record.note}"))
    return items


def _goggles(table: dict[str, Any], floor: str, source: SourceRef, more: str) -> Table:
    rows: list[tuple[Cell, ...]] = [("the agent, sees the states themselves", estimate(table["agent"]), None)]
    for name, row in table["rows"].items():
        drawn = f"the agent, sees what state model {MODELS.get(name, name)} draws"
        rows.append((drawn, estimate(row["returns"]), estimate(row["kept"])))
    rows.append((f"no agent: always {floor}", estimate(table["floor"]), None))
    return Table(
        "The agent plays while it sees only what a state model draws of each state (Table 1 of the paper)"
        + more,
        "A return as high as the agent's own: the state model then keeps what the agent decides by. Kept is "
        f"the return above that of always {floor}, as a share of the agent's own above it; return "
        "is the sum of an episode's rewards, n the episodes.",
        (Column("who plays"), Column("return"), Column("kept", "%")),
        tuple(rows),
        source,
    )
