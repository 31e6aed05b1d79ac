from __future__ import annotations

from pathlib import Path

import pytest

from probes.domains.driving_measures import CONSISTENT, trust_section
from probes.domains.study_sections import Shelf
from probes.report.contract import Number, Stacks, Table
from probes.statistics import Estimate
from tests.probes.domains.shelves import samples, write


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    write(tmp_path, "samples", samples())
    return Shelf(tmp_path, ())


def value(cell: object) -> float:
    assert isinstance(cell, Estimate)
    return cell.value


def test_no_more_samples_are_shown_than_there_are(shelf: Shelf) -> None:
    stacks, *_ = trust_section(shelf, Path("nowhere")).items
    assert isinstance(stacks, Stacks)
    assert stacks.indices == (0, 1, 2)


def test_a_model_that_draws_a_class_too_often_misses_its_bar(shelf: Shelf) -> None:
    _, within, consistent, classes, realism = trust_section(shelf, Path("nowhere")).items
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
