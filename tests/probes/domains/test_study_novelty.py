from __future__ import annotations

from pathlib import Path
from typing import Any

from probes.domains.study_novelty import novelty_item
from probes.domains.study_sections import Shelf
from probes.report.contract import Table
from probes.statistics import Estimate
from tests.probes.domains.shelves import novelty, write


def value(cell: object) -> float:
    assert isinstance(cell, Estimate)
    return cell.value


def told(directory: Path, result: dict[str, Any]) -> Table:
    """Return what is told of a result."""
    write(directory, "novelty", result)
    return novelty_item(Shelf(directory, ()))


def test_of_findings_only_those_that_pass_are_called_new(tmp_path: Path) -> None:
    table = told(tmp_path, novelty())
    assert [column.name for column in table.columns[1:3]] == [
        "in more than 10% of pixels",
        "in more than 50% of pixels",
    ]
    ours, none, held_out, paper = table.rows
    assert ours[0] == "synthesised for T-"
    assert [value(cell) for cell in ours[1:]] == [0.5, 0.0, 0.5, 0.625]
    assert none == ("synthesised for V-", None, None, None, None)
    assert [value(cell) for cell in held_out[1:]] == [0.125, 0.0, 0.125, 1.0]
    assert paper[1:] == (0.99, 0.01, 0.25, None)


def test_where_no_scene_can_be_checked_nothing_is_said_of_it(tmp_path: Path) -> None:
    result = novelty()
    for one in result["sources"].values():
        del one["realism"]
        one.pop("realism_passed", None)
    table = told(tmp_path, result)
    assert [column.name for column in table.columns[-1:]] == ["pixels that differ, mean"]
    assert "consistent" not in table.look_for
    assert {len(row) for row in table.rows} == {4}
