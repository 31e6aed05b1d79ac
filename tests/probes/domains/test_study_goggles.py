from __future__ import annotations

from pathlib import Path

from probes.domains.study_goggles import goggles_items
from probes.domains.study_sections import Shelf
from probes.report.contract import Item, Table
from probes.statistics import Estimate
from tests.probes.domains.shelves import goggles, number, write


def value(cell: object) -> float:
    assert isinstance(cell, Estimate)
    return cell.value


def items(directory: Path, **more: object) -> list[Item]:
    """Return what is told of made-up goggles with more results."""
    write(directory, "goggles", {**goggles(), **more})
    return goggles_items(Shelf(directory, ()))


def test_goggles_stand_between_the_agent_and_the_floor(tmp_path: Path) -> None:
    (table,) = items(tmp_path)
    assert isinstance(table, Table)
    rows = table.rows
    assert [value(row[1]) for row in rows] == [12.0, 9.0, 0.0]
    assert value(rows[1][2]) == 0.75
    assert (rows[0][2], rows[2][2]) == (None, None)
    assert "crisp" in str(rows[1][0])
    assert rows[2][0] == "no agent: always brake"


def test_of_games_clipped_rewards_are_told_too(tmp_path: Path) -> None:
    clipped = {"agent": number(3.0), "floor": number(1.0), "rows": {}}
    raw, signs = items(tmp_path, clipped=clipped)
    assert isinstance(raw, Table)
    assert isinstance(signs, Table)
    assert signs.caption == f"{raw.caption}, each reward counted by its sign alone"
    assert [value(row[1]) for row in signs.rows] == [3.0, 1.0]
