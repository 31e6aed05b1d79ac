from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from probes.domains.driving_chapters import (
    BASELINES,
    baselines_section,
    replay_section,
    write_baselines,
)
from probes.domains.driving_sections import Shelf
from probes.report.contract import Film, Number, Stacks, Table, Text
from probes.statistics import Estimate
from tests.probes.domains.shelves import activation_max, replayed, samples, toy_shelf, write


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return toy_shelf(tmp_path_factory.mktemp("study"))


def value(cell: object) -> float:
    assert isinstance(cell, Estimate)
    return cell.value


def test_the_first_state_of_each_method_is_shown(tmp_path: Path) -> None:
    write(tmp_path, "samples", samples())
    write(tmp_path, "activation-max", activation_max())
    shelf = Shelf(tmp_path, ())
    write_baselines(shelf)
    table, stacks = baselines_section(shelf).items
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == [
        "search within the state model",
        "pixels, neighbours alike (Sobolev), 0.5 times as strong",
    ]
    assert isinstance(stacks, Stacks)
    assert stacks.indices == (0, 1)
    assert np.load(tmp_path / BASELINES).shape == (2, *stacks.layout.stored_shape)


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
