"""Tables as a page shows them: every number with its interval and n."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from probes.report.items import Bars, Cell, Column, Number, Table
from probes.report.numbers import DASH, Written, write_number


@dataclass(frozen=True)
class ShownCell:
    """One cell."""

    written: Written
    is_number: bool


@dataclass(frozen=True)
class ShownTable:
    """A head and rows of cells."""

    head: tuple[ShownCell, ...]
    rows: tuple[tuple[ShownCell, ...], ...]


def show_table(table: Table) -> ShownTable:
    """Write a table."""
    return _show(table.columns, table.rows)


def show_facts(facts: Mapping[str, Cell]) -> tuple[tuple[str, Written], ...]:
    """Write facts by name."""
    return tuple((name, write_number(value)) for name, value in facts.items())


def show_bars(bars: Bars) -> ShownTable:
    """Write the numbers of a bar chart, a row for each label."""
    columns = (Column(""), *(Column(each.name, bars.unit) for each in bars.series))
    rows = tuple(
        (label, *(each.values[number] for each in bars.series)) for number, label in enumerate(bars.labels)
    )
    return _show(columns, rows)


def show_side_by_side(titles: Sequence[str], headlines: Sequence[Sequence[Number]]) -> ShownTable | None:
    """Write the headlines of several studies, a row for each label and a column for each study.

    Returns:
        The table; None where no study has a headline.
    """
    found = [{number.label: number for number in numbers} for numbers in headlines]
    labels = dict.fromkeys(label for numbers in found for label in numbers)
    rows = tuple((_text(label), *(_headline(numbers.get(label)) for numbers in found)) for label in labels)
    head = (_text(""), *(ShownCell(Written(title), True) for title in titles))
    return ShownTable(head, rows) if rows else None


def _show(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> ShownTable:
    numeric = [any(not isinstance(row[i], str | None) for row in rows) for i in range(len(columns))]
    head = tuple(
        ShownCell(Written(column.name, unit=column.unit), is_number)
        for column, is_number in zip(columns, numeric, strict=True)
    )
    return ShownTable(
        head,
        tuple(
            tuple(
                # The unit stands in the head; a text among numbers stands where they stand.
                ShownCell(replace(write_number(cell, column.unit), unit=""), is_number)
                for cell, column, is_number in zip(row, columns, numeric, strict=True)
            )
            for row in rows
        ),
    )


def _headline(number: Number | None) -> ShownCell:
    return ShownCell(write_number(number.estimate, number.unit) if number else Written(DASH), True)


def _text(text: str) -> ShownCell:
    return ShownCell(Written(text), False)
