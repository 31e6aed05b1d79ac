from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from probes.domains.driving_weaknesses import awareness_section, return_headlines, return_section, went_on
from probes.domains.study_sections import Shelf
from probes.report.contract import Film, Image, Number, Stacks, Table, Text
from probes.statistics import Estimate
from tests.probes.domains.returned import moments, write_return
from tests.probes.domains.shelves import number, write_toy_findings
from tests.probes.linear_models import LAYOUT

SCENARIOS = ("reasonable", "distracted")


def shelf(place: Path, **changes: dict[str, Any]) -> Shelf:
    write_toy_findings(place / "findings", place / "states", ["t-minus"])
    write_return(place, **changes)
    return Shelf(place, ("t-minus",))


def test_findings_stand_above_the_towns_that_were_found_for_them(tmp_path: Path) -> None:
    share, above, below, *_ = return_section(shelf(tmp_path), LAYOUT, SCENARIOS).items
    assert isinstance(share, Number)
    assert share.label == "T-: findings that are towns"
    assert share.bar is not None
    assert share.bar.met
    assert isinstance(above, Stacks)
    assert isinstance(below, Stacks)
    assert (above.file, above.indices) == ("findings/t-minus/stored.npy", (1, 0))
    assert (below.file, below.indices) == ("realized/drawn.npy", (0, 1))
    assert below.labels == ("realised", "not realised: 80% of the pixels agree, of 90%")


def test_of_a_target_for_which_nothing_passes_the_page_says_so(tmp_path: Path) -> None:
    nothing = {"realised": None, "class_agreement": None, "output_gap": None}
    told = {"targets": {"t-minus": nothing}, "states": []}
    first, table, *_ = return_section(shelf(tmp_path, realized=told), LAYOUT, SCENARIOS).items
    assert isinstance(first, Text)
    assert first.text == "T-: no state that was synthesised passes the checks."
    assert isinstance(table, Table)


def test_each_group_of_moments_has_a_row_for_each_condition(tmp_path: Path) -> None:
    section = return_section(shelf(tmp_path), LAYOUT, SCENARIOS)
    (table,) = [item for item in section.items if isinstance(item, Table)]
    assert [row[0] for row in table.rows[:3]] == ["T-, reasonable", "T-, distracted", "T-, nobody"]
    cell = table.rows[1][3]
    assert isinstance(cell, Estimate)
    assert cell.value == 0.75
    assert "drives on 4 times" in section.lead


def test_the_verdict_stands_beside_its_number(tmp_path: Path) -> None:
    items = return_section(shelf(tmp_path, moments=moments("refuted")), LAYOUT, SCENARIOS).items
    (gap,) = [item for item in items if isinstance(item, Number) and "less those" in item.label]
    assert gap.note == "that it is a weakness: refuted"
    assert isinstance(items[-1], Text)
    assert items[-1].text == "No film: none were asked for."


def test_without_a_realised_finding_the_page_says_so(tmp_path: Path) -> None:
    told = {**moments(), "verdicts": {}}
    items = return_section(shelf(tmp_path, moments=told), LAYOUT, SCENARIOS).items
    assert any(isinstance(item, Text) and item.text.startswith("No finding was realised") for item in items)


@pytest.mark.parametrize("file", ["t-minus-1.yaml", None])
def test_a_film_says_how_often_its_scenario_ends_alike(file: str | None, tmp_path: Path) -> None:
    film = {"file": "t-minus-1.mp4", "group": "t-minus", "moment": "t-minus 7", "impact": 10.46}
    written = {"moment": "t-minus 7", "file": file, "again": number(0.5, 20)}
    told = {**moments(), "films": [film], "scenario_files": [written]}
    *_, shown = return_section(shelf(tmp_path, moments=told), LAYOUT, SCENARIOS).items
    assert isinstance(shown, Film)
    assert shown.caption == "After t-minus 7: a hit at 10.5 m/s"
    assert shown.file == "moments/t-minus-1.mp4"
    assert ("for 50% of 20 seeds" in shown.look_for) == (file is not None)


def test_the_answer_in_short_names_verdicts_and_what_follows_from_random_moments(tmp_path: Path) -> None:
    assert went_on(shelf(tmp_path), "distracted") == (
        "Where findings could be taken back into the simulator, the drives that go on from there end in a "
        "hit that braking would have avoided, in distracted: 75% from those of T- (confirmed); from random "
        "moments 75% do."
    )
    nothing = shelf(tmp_path / "other", moments={**moments(), "verdicts": {}})
    assert went_on(nothing, "distracted") == "No finding could be taken back into the simulator."


def test_headlines_are_the_gap_of_each_target_and_the_score_of_each_agent(tmp_path: Path) -> None:
    gap, score = return_headlines(shelf(tmp_path), "distracted")
    assert isinstance(gap.estimate, Estimate)
    assert gap.estimate.value == 0.5
    assert isinstance(score.estimate, Estimate)
    assert (score.estimate.value, score.note) == (0.25, "aware")


def test_whom_an_agent_minds_is_told_with_its_map_and_reasons(tmp_path: Path) -> None:
    table, drawn, text = awareness_section(shelf(tmp_path)).items
    assert isinstance(table, Table)
    assert table.rows[0][:2] == ("a", "aware")
    assert table.rows[0][-1] is None
    assert isinstance(drawn, Image)
    assert drawn.file == "awareness/map.png"
    assert isinstance(text, Text)
    assert text.text == "a is aware: it brakes; it hits few.\n\nControls: none."
