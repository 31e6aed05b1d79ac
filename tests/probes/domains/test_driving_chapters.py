from __future__ import annotations

from pathlib import Path

import pytest

from probes.domains.driving_chapters import replay_section
from probes.domains.study_sections import Shelf
from probes.report.contract import Film, Number, Table, Text
from probes.statistics import Estimate
from tests.probes.domains.shelves import replayed, toy_shelf, write


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return toy_shelf(tmp_path_factory.mktemp("study"))


def value(cell: object) -> float:
    assert isinstance(cell, Estimate)
    return cell.value


def test_a_replay_without_a_film_says_why(shelf: Shelf) -> None:
    section = replay_section(shelf, "a")
    table, contrast, text = section.items
    assert "the same 4 seeds in each scenario: reasonable, distracted" in section.lead
    assert isinstance(table, Table)
    assert [(row[0], value(row[3])) for row in table.rows] == [
        ("a in reasonable", 0.0),
        ("a in distracted", 1.0),
    ]
    assert isinstance(contrast, Number)
    assert contrast.label == "people hit per km in distracted less those in reasonable"
    assert value(contrast.estimate) == 1.0
    assert isinstance(text, Text)
    assert text.text == "No film: none were asked for."


def test_a_film_is_named_by_its_hit(tmp_path: Path) -> None:
    film = {
        "file": "a.mp4",
        "agent": "a",
        "scenario": "distracted",
        "seed": 7,
        "impact": 10.46,
        "seconds": 8.0,
    }
    write(tmp_path, "replay", {**replayed(), "films": [film]})
    *_, shown = replay_section(Shelf(tmp_path, ()), "a").items
    assert isinstance(shown, Film)
    assert shown.caption == "a in distracted, seed 7: it hits a person at 10.5 m/s"
    assert shown.file == "replay/a.mp4"
