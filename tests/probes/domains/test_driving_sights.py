from __future__ import annotations

import pytest

from probes.domains.driving_sights import IN_SIGHT, braking_table, contents_section, roads_table, sights_bars
from probes.domains.study_sections import Shelf
from probes.report.contract import Bars, Table
from probes.statistics import Estimate
from tests.probes.domains.shelves import toy_shelf


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return toy_shelf(tmp_path_factory.mktemp("study"))


def value(cell: object) -> float:
    assert isinstance(cell, Estimate)
    return cell.value


def test_what_findings_show_stands_beside_recorded_states(shelf: Shelf) -> None:
    bars, brake, table = contents_section(shelf, has_braking=False).items
    assert isinstance(bars, Bars)
    assert bars.labels == IN_SIGHT
    assert [value(series.values[0]) for series in bars.series] == [0.5, 0.75, 0.125]
    assert "not synthesised" in bars.look_for
    assert isinstance(brake, Bars)
    assert "brake" in brake.caption
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == [
        "recorded, all held out",
        "synthesised for T-, V-",
        "synthesised for brake",
    ]
    assert table.rows[1][1] == 2
    assert table.rows[1][4] is None


def test_braking_on_the_road_is_told_where_it_was_counted(shelf: Shelf) -> None:
    *_, table = contents_section(shelf, has_braking=True).items
    assert isinstance(table, Table)
    assert table.rows == (
        ("without traffic: moving", 600, Estimate(0.25, 0.125, 0.375, 10), None),
        (
            "without traffic: empty road, no light",
            40,
            Estimate(0.125, 0.0, 0.25, 3),
            Estimate(0.5, 0.375, 0.625, 3),
        ),
    )


def test_it_is_said_whose_findings_are_told(shelf: Shelf) -> None:
    bars = sights_bars(shelf, "t-minus", "Look here. ", "b")
    assert "synthesised for T- of b" in bars.caption
    assert bars.look_for.startswith("Look here. What is hardly ever shown was not synthesised")
    assert bars.source.path == "contents"
    assert braking_table(shelf, "b").caption.startswith("Whether b brakes")
    assert "How often b brakes" in roads_table(shelf, "b").caption


def test_where_nothing_passes_the_bars_are_empty(shelf: Shelf) -> None:
    ours, extreme, real = sights_bars(shelf, "v-minus", "").series
    assert ours.name == "synthesised for V-, of which none passes the checks"
    assert ours.values == (None,) * len(IN_SIGHT)
    assert (value(extreme.values[0]), value(real.values[0])) == (0.75, 0.125)
