from __future__ import annotations

from pathlib import Path

import pytest

from probes.domains.driving_measures import CONSISTENT, goggles_item, model_section, novelty_item
from probes.domains.driving_sections import Shelf
from probes.report.contract import Number, Stacks, Table
from probes.statistics import Estimate
from tests.probes.domains.shelves import goggles, novelty, samples, write


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    for name, result in (("samples", samples()), ("goggles", goggles()), ("novelty", novelty())):
        write(tmp_path, name, result)
    return Shelf(tmp_path, ())


def value(cell: object) -> float:
    assert isinstance(cell, Estimate)
    return cell.value


def test_no_more_samples_are_shown_than_there_are(shelf: Shelf) -> None:
    stacks, *_ = model_section(shelf, Path("nowhere")).items
    assert isinstance(stacks, Stacks)
    assert stacks.indices == (0, 1, 2)


def test_a_model_that_draws_a_class_too_often_misses_its_bar(shelf: Shelf) -> None:
    _, within, consistent, classes, realism = model_section(shelf, Path("nowhere")).items
    assert isinstance(within, Number)
    assert within.estimate == 0
    assert within.note == "of 1 classes that fill more than 0.1% of the pixels; 3 samples"
    assert within.bar is not None
    assert not within.bar.met
    assert isinstance(consistent, Number)
    assert value(consistent.estimate) == 0.25
    assert isinstance(classes, Table)
    assert classes.rows == (("sky", 0.5, Estimate(1.0, 0.875, 1.125, 10), None, "no"),)
    assert isinstance(realism, Table)
    assert [row[0] for row in realism.rows] == [CONSISTENT["road_below_horizon"], CONSISTENT["realistic"]]


def test_goggles_stand_between_the_agent_and_the_floor(shelf: Shelf) -> None:
    rows = goggles_item(shelf).rows
    assert [value(row[1]) for row in rows] == [12.0, 9.0, 0.0]
    assert value(rows[1][2]) == 0.75
    assert (rows[0][2], rows[2][2]) == (None, None)
    assert "crisp" in str(rows[1][0])
    assert rows[2][0] == "no agent: always brake"


def test_of_findings_only_those_that_pass_are_called_new(shelf: Shelf) -> None:
    table = novelty_item(shelf)
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
