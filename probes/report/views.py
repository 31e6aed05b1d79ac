"""Items as the page's template takes them: numbers written, pictures drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from probes.report.figures import Drawing, draw_chart
from probes.report.films import Reel, draw_film
from probes.report.items import (
    Bars,
    Curve,
    Film,
    Histogram,
    Image,
    Item,
    Number,
    Stacks,
    Table,
    Text,
    Weights,
)
from probes.report.numbers import Written, write_number
from probes.report.sprites import Painter, Picture, draw_stacks, draw_weights
from probes.report.stills import Still, draw_still
from probes.report.tables import ShownTable, show_bars, show_table


@dataclass(frozen=True)
class Tile:
    """A number by itself."""

    item: Number
    written: Written


@dataclass(frozen=True)
class Tiles:
    """Numbers that follow each other."""

    tiles: tuple[Tile, ...]
    kind: str = "tiles"


@dataclass(frozen=True)
class TableView:
    """A table."""

    item: Table
    table: ShownTable
    kind: str = "table"


@dataclass(frozen=True)
class ChartView:
    """A chart, with its numbers where they are few."""

    item: Histogram | Curve | Bars
    drawing: Drawing
    numbers: ShownTable | None
    kind: str = "chart"


@dataclass(frozen=True)
class StacksView:
    """Moving states."""

    item: Stacks | Weights
    pictures: tuple[Picture, ...]
    kind: str = "stacks"


@dataclass(frozen=True)
class FilmView:
    """A film."""

    item: Film
    reel: Reel
    kind: str = "film"


@dataclass(frozen=True)
class ImageView:
    """A picture."""

    item: Image
    still: Still
    kind: str = "image"


@dataclass(frozen=True)
class TextView:
    """Paragraphs."""

    paragraphs: tuple[str, ...]
    kind: str = "text"


View = Tiles | TableView | ChartView | StacksView | FilmView | ImageView | TextView


def show_items(items: Sequence[Item], directory: Path, painter: Painter) -> tuple[View, ...]:
    """Prepare items for the page, numbers that follow each other together.

    Raises:
        ProbeError: a file that is to be shown is missing or damaged.
    """
    views: list[View] = []
    for are_numbers, group in groupby(items, lambda item: isinstance(item, Number)):
        if are_numbers:
            views.append(show_numbers([item for item in group if isinstance(item, Number)]))
        else:
            views.extend(_show(item, directory, painter) for item in group)
    return tuple(views)


def show_numbers(numbers: Sequence[Number]) -> Tiles:
    """Prepare numbers."""
    return Tiles(tuple(Tile(number, write_number(number.estimate, number.unit)) for number in numbers))


def _show(item: Item, directory: Path, painter: Painter) -> View:
    match item:
        case Number():
            return show_numbers([item])
        case Table():
            return TableView(item, show_table(item))
        case Stacks():
            return StacksView(item, draw_stacks(item, directory, painter))
        case Weights():
            return StacksView(item, draw_weights(item, directory, painter))
        case Film():
            return FilmView(item, draw_film(item, directory))
        case Image():
            return ImageView(item, draw_still(item, directory))
        case Text():
            return TextView(tuple(part.strip() for part in item.text.split("\n\n") if part.strip()))
        case Bars():
            return ChartView(item, draw_chart(item, painter.legend), show_bars(item))
        case Histogram() | Curve():
            return ChartView(item, draw_chart(item), None)
