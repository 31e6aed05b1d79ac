from __future__ import annotations

from pathlib import Path

from probes.report.items import Bars, BarSeries, Number, Text
from probes.report.views import ChartView, TextView, Tiles, show_items
from tests.probes.report.studies import PAINTER, SHIPPED, save_run

NUMBER = Number("hits", 3, SHIPPED)


def test_numbers_that_follow_each_other_stand_together() -> None:
    views = show_items((NUMBER, NUMBER, Text("a"), NUMBER), Path(), PAINTER)

    assert [view.kind for view in views] == ["tiles", "text", "tiles"]
    assert [len(view.tiles) for view in views if isinstance(view, Tiles)] == [2, 1]


def test_empty_lines_part_paragraphs() -> None:
    (view,) = show_items((Text("One.\n\n\n\nTwo\nlines. "),), Path(), PAINTER)

    assert view == TextView(("One.", "Two\nlines."))


def test_bars_are_given_with_their_numbers() -> None:
    bars = Bars("a", "b", ("road",), (BarSeries("drawn", (3,)),), SHIPPED)

    (view,) = show_items((bars,), Path(), PAINTER)

    assert isinstance(view, ChartView)
    assert view.numbers is not None
    assert [cell.written.value for cell in view.numbers.rows[0]] == ["road", "3"]


def test_every_kind_of_item_has_a_view(tmp_path: Path) -> None:
    study = save_run(tmp_path)
    every = [item for section in study.sections for item in section.items]
    items = tuple({item.type: item for item in every}.values())

    kinds = {view.kind for view in show_items(items, tmp_path, PAINTER)}

    assert len(items) == 10
    assert kinds == {"tiles", "text", "table", "chart", "stacks", "film", "image"}
