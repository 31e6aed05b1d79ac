from __future__ import annotations

from pathlib import Path
from typing import Any

from probes.domains.driving_repair_pages import repair_section
from probes.domains.study_sections import Shelf
from probes.report.contract import Number, Section, Table, Text
from probes.statistics import Estimate
from tests.probes.domains.returned import repaired
from tests.probes.domains.shelves import write


def section(place: Path, told: dict[str, Any]) -> Section:
    write(place, "repair", told)
    return repair_section(Shelf(place, ()))


def test_what_was_held_out_is_compared_with_before_and_with_training_without(tmp_path: Path) -> None:
    before, control, table = section(tmp_path, repaired()).items
    assert isinstance(before, Number)
    assert isinstance(control, Number)
    assert isinstance(table, Table)
    assert before.label == ("avoidable hits in 2 held-out scenarios, less those of the agent as it was")
    assert control.label.endswith("less those of the agent trained as long without them")
    gaps = [one.estimate.value for one in (before, control) if isinstance(one.estimate, Estimate)]
    assert gaps == [-0.625, -0.5]
    assert before.note == "verdict: cannot tell"
    assert len(table.rows) == 12
    assert table.rows[1][0] == "found scenarios, held out, trained on with found scenarios"
    assert isinstance(table.rows[1][2], Estimate)
    assert table.rows[1][2].value == 0.25
    assert table.rows[-1][0] == "distracted, trained as long without them"


def test_where_too_little_was_found_the_page_says_so(tmp_path: Path) -> None:
    told = {"steps": 9, "why_not": "of the hits that were found 1 could be written"}
    (only,) = section(tmp_path, told).items
    assert isinstance(only, Text)
    assert only.text == "Not tried: of the hits that were found 1 could be written."
