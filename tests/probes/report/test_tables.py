from __future__ import annotations

from probes.report.items import Bars, BarSeries, Column, Number, Table
from probes.report.tables import ShownTable, show_bars, show_facts, show_side_by_side, show_table
from probes.statistics import Estimate
from tests.probes.report.studies import SHIPPED


def lines(table: ShownTable) -> list[list[str]]:
    return [[cell.written.line for cell in row] for row in table.rows]


def test_numbers_have_interval_and_n_and_their_unit_stands_in_the_head() -> None:
    columns = (Column("scenario"), Column("hits", "per km"), Column("braked", "%"))
    row = ("distracted", Estimate(1.84, 1.51, 2.2, 131), 0.4)

    shown = show_table(Table("a", "b", columns, (row,), SHIPPED))

    assert lines(shown) == [["distracted", "1.84 [1.51 to 2.20], n = 131", "40"]]
    assert [cell.written.unit for cell in shown.head] == ["", "per km", "%"]


def test_a_column_is_set_as_numbers_if_one_of_its_cells_is_one() -> None:
    columns = (Column("scenario"), Column("hits"), Column("note"))

    shown = show_table(Table("a", "b", columns, (("x", "none", "y"), ("z", 3, None)), SHIPPED))

    assert [cell.is_number for cell in shown.head] == [False, True, False]
    assert [cell.is_number for cell in shown.rows[0]] == [False, True, False]


def test_a_chart_of_bars_has_a_row_for_each_label() -> None:
    series = (BarSeries("drawn", (0.5, Estimate(0.25, 0.2, 0.3, 300))), BarSeries("real", (None, 1)))

    shown = show_bars(Bars("a", "b", ("road", "car"), series, SHIPPED, unit="%"))

    assert [cell.written.value for cell in shown.head] == ["", "drawn", "real"]
    assert lines(shown) == [["road", "50", "\u2013"], ["car", "25 [20 to 30], n = 300", "100"]]


def test_facts_keep_their_order() -> None:
    facts = show_facts({"return": Estimate(41.2, 39.9, 42.4, 100), "episodes": 100, "by": None})

    assert [(name, written.line) for name, written in facts] == [
        ("return", "41.2 [39.9 to 42.4], n = 100"),
        ("episodes", "100"),
        ("by", "\u2013"),
    ]


def test_headlines_of_the_same_label_stand_in_one_row() -> None:
    one = (Number("hits", 3, SHIPPED), Number("braked", 0.5, SHIPPED, unit="%"))
    two = (Number("hits", 5, SHIPPED),)

    shown = show_side_by_side(["first", "second"], [one, two])

    assert shown is not None
    assert [cell.written.value for cell in shown.head] == ["", "first", "second"]
    assert lines(shown) == [["hits", "3", "5"], ["braked", "50%", "\u2013"]]


def test_without_headlines_there_is_nothing_side_by_side() -> None:
    assert show_side_by_side(["first", "second"], [(), ()]) is None
