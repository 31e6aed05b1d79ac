from __future__ import annotations

from pathlib import Path

import pytest

from probes.agent import ProbeError
from probes.domains.study_sections import CHECKS, Shelf, estimate, findings_section, search_section
from probes.report.contract import Curve, Histogram, Stacks, Table
from probes.statistics import Estimate
from tests.probes.domains.shelves import number, toy_shelf
from tests.probes.searched import made_up


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return toy_shelf(tmp_path_factory.mktemp("study"))


def test_an_estimate_is_read_back_and_nothing_stays_nothing() -> None:
    assert estimate(number(0.5)) == Estimate(0.5, 0.375, 0.625, 10)
    assert estimate(None) is None


def test_targets_of_one_formula_are_told_once(shelf: Shelf) -> None:
    assert [(one.findings.path.name, one.title) for one in shelf.searched] == [
        ("t-minus", "T-, V-"),
        ("action-brake", "brake"),
    ]


def test_a_source_names_its_kind_and_its_place(shelf: Shelf) -> None:
    source = shelf.source("findings/t-minus")
    assert (source.kind, source.path, source.shipped) == ("findings", "findings/t-minus", False)
    assert source.digest == shelf.searched[0].findings.manifest.digest


def test_a_stage_that_has_left_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match="objective"):
        Shelf(tmp_path, ()).result("objective")
    (tmp_path / "objective").mkdir()
    (tmp_path / "objective" / "result.json").write_text("[]")
    with pytest.raises(ProbeError, match=r"objective/result\.json: holds no JSON object"):
        Shelf(tmp_path, ()).result("objective")
    with pytest.raises(ProbeError, match="t-minus"):
        _ = Shelf(tmp_path, ("t-minus",)).searched


def test_the_table_of_targets_counts_what_passes(shelf: Shelf) -> None:
    table, *_ = findings_section(shelf).items
    assert isinstance(table, Table)
    name, finds, passing, beyond, beyond_all, _ = table.rows[0]
    assert (name, finds) == ("T-, V-", "states of V-")
    assert isinstance(passing, Estimate)
    assert (passing.value, passing.n) == (0.5, 4)
    assert isinstance(beyond, Estimate)
    assert isinstance(beyond_all, Estimate)
    # J of those that pass are 50 and 99.5, of the real ones 0 to 100.
    assert (beyond.value, beyond_all.value, beyond.n) == (0.5, 0.0, 2)


def test_states_that_pass_come_first_and_the_others_say_why_not(shelf: Shelf) -> None:
    _, ours, recorded, *_ = findings_section(shelf).items
    assert isinstance(ours, Stacks)
    assert ours.indices == (2, 0, 1, 3)
    assert ours.labels[0] == "J above 99% of recorded; best action: brake"
    assert all("fails: " in label for label in ours.labels[2:])
    assert CHECKS["agreement"] in ours.labels[2]
    assert isinstance(recorded, Stacks)
    assert recorded.file == "findings/t-minus/real_highest.npy"
    assert recorded.indices == (0, 1, 2, 3)


def test_every_check_has_words() -> None:
    assert {*made_up().verdicts.failed, "unreal"} == CHECKS.keys()  # where a domain can tell


def test_a_search_is_drawn_beside_its_distribution(shelf: Shelf) -> None:
    curve, histogram, table = search_section(shelf).items
    assert isinstance(curve, Curve)
    assert "T-, V-" in curve.caption
    assert curve.series[0].x == (0.0, 1.0, 2.0)
    assert isinstance(histogram, Histogram)
    assert [series.n for series in histogram.series] == [101, 4, 2]
    assert [sum(series.shares) for series in histogram.series] == pytest.approx([1.0, 1.0, 0.5])
    assert histogram.marks[0].x == 100.0
    assert isinstance(table, Table)
    assert isinstance(table.rows[0][1], Estimate)
    assert table.rows[0][1].value == 0.5
