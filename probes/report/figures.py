"""Charts for light and for dark paper, in colours that colour-blind eyes tell apart (Okabe, Ito 2008)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from textwrap import fill, wrap

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from probes.report.items import Bars, Curve, Histogram, Mark
from probes.report.numbers import plain
from probes.report.sprites import data_uri
from probes.statistics import Estimate

Colours = Sequence[tuple[str, tuple[int, int, int]]]
Chart = Histogram | Curve | Bars

_WIDTH = 4.1
"""in: 394 px, so that a phone shows the letters at nearly their size."""
_PLOT_HEIGHT = 2.1
_LINE_HEIGHT = 0.2
_BAR_HEIGHT = 0.24
_LABEL_WIDTH = 20
"""Letters in a line."""
_DASHES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 1.5, 1, 1.5)))
_MARK_DASHES = ((0, (4, 2)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)))


@dataclass(frozen=True)
class Paper:
    """What a chart is drawn on."""

    ground: str
    ink: str
    faint: str
    colours: tuple[str, ...]


LIGHT = Paper(
    "#ffffff", "#23262b", "#c9ccd1", ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
)
DARK = Paper(
    "#15171b", "#d9dce1", "#4a4f57", ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#f0e442")
)


@dataclass(frozen=True)
class Drawing:
    """A chart as addresses that hold their content."""

    light: str
    dark: str
    width: int
    """px."""
    height: int


def draw_chart(item: Chart, classes: Colours = ()) -> Drawing:
    """Draw a chart on both papers.

    Args:
        item: what to draw.
        classes: names and (R, G, B) of classes; bars whose labels are all among them take their colours.
    """
    light, dark = (_draw(item, paper, dict(classes)) for paper in (LIGHT, DARK))
    return Drawing(
        data_uri(_svg(light), "image/svg+xml"),
        data_uri(_svg(dark), "image/svg+xml"),
        round(light.get_figwidth() * 96),
        round(light.get_figheight() * 96),
    )


def _draw(item: Chart, paper: Paper, classes: dict[str, tuple[int, int, int]]) -> Figure:
    with _style(paper):
        figure = Figure(figsize=(_WIDTH, _height(item)), layout="constrained")
        axes = figure.add_subplot()
        if isinstance(item, Histogram):
            _draw_histogram(item, axes, paper)
        elif isinstance(item, Curve):
            _draw_curve(item, axes, paper)
        else:
            _draw_bars(item, axes, paper, classes)
        handles, labels = axes.get_legend_handles_labels()
        if len(labels) > 1 or (labels and not isinstance(item, Bars)):
            figure.legend(handles, labels, loc="outside upper left", handlelength=2.4)
        figure.draw_without_rendering()
        return figure


def _height(item: Chart) -> float:
    if isinstance(item, Bars):
        entries = len(item.series) if len(item.series) > 1 else 0
        thick = max(1.0, 0.8 * len(item.series))
        rows = sum(max(thick, 0.75 * len(wrap(label, _LABEL_WIDTH))) for label in item.labels)
        return 0.7 + _BAR_HEIGHT * rows + _LINE_HEIGHT * entries
    return _PLOT_HEIGHT + _LINE_HEIGHT * (len(item.series) + len(item.marks))


def _style(paper: Paper) -> AbstractContextManager[None]:
    return matplotlib.rc_context(
        {
            "font.family": "DejaVu Sans",
            "font.size": 8.5,
            "text.color": paper.ink,
            "axes.edgecolor": paper.faint,
            "axes.labelcolor": paper.ink,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.unicode_minus": True,
            "grid.color": paper.faint,
            "grid.linewidth": 0.4,
            "xtick.color": paper.faint,
            "ytick.color": paper.faint,
            "xtick.labelcolor": paper.ink,
            "ytick.labelcolor": paper.ink,
            "legend.frameon": False,
            "legend.borderaxespad": 0.2,
            "legend.labelspacing": 0.3,
        }
    )


def _draw_histogram(item: Histogram, axes: Axes, paper: Paper) -> None:
    for number, each in enumerate(item.series):
        colour = paper.colours[number % len(paper.colours)]
        axes.stairs(each.shares, each.edges, fill=True, color=colour, alpha=0.3, linewidth=0)
        label = f"{each.name} (n = {each.n:,})"
        dashes = _DASHES[number % len(_DASHES)]
        axes.stairs(each.shares, each.edges, color=colour, label=label, linewidth=1.4, linestyle=dashes)
    axes.set_ylim(bottom=0)
    _label(axes, item.x_label, item.y_label)
    _draw_marks(item.marks, axes, paper)


def _draw_curve(item: Curve, axes: Axes, paper: Paper) -> None:
    for number, each in enumerate(item.series):
        colour = paper.colours[number % len(paper.colours)]
        dashes = _DASHES[number % len(_DASHES)]
        label = f"{each.name} (band: {each.band})" if each.band else each.name
        axes.plot(each.x, each.y, color=colour, label=label, linewidth=1.6, linestyle=dashes)
        if each.low:
            axes.fill_between(each.x, each.low, each.high, color=colour, alpha=0.2, linewidth=0)
    _label(axes, item.x_label, item.y_label)
    _draw_marks(item.marks, axes, paper)


def _draw_marks(marks: Sequence[Mark], axes: Axes, paper: Paper) -> None:
    for number, mark in enumerate(marks):
        dashes = _MARK_DASHES[number % len(_MARK_DASHES)]
        label = f"{mark.label}: {plain(mark.x)}"
        axes.axvline(mark.x, color=paper.ink, linestyle=dashes, linewidth=1.1, label=label)


def _draw_bars(item: Bars, axes: Axes, paper: Paper, classes: dict[str, tuple[int, int, int]]) -> None:
    """Lay bars down, so that long labels are read without turning one's head; the first on top."""
    thickness = 0.8 / len(item.series)
    by_class = len(item.series) == 1 and set(item.labels) <= classes.keys()
    for number, each in enumerate(item.series):
        shown = [(row, value) for row, value in enumerate(each.values) if value is not None]
        places = [row - 0.4 + thickness * (number + 0.5) for row, _ in shown]
        scale = 100 if item.unit == "%" else 1
        widths = [_value_of(value) * scale for _, value in shown]
        colours = [_class_colour(classes[item.labels[row]]) for row, _ in shown] if by_class else None
        axes.barh(
            places,
            widths,
            height=thickness * 0.9,
            color=colours or paper.colours[number % len(paper.colours)],
            edgecolor=paper.ink if by_class else "none",
            linewidth=0.5,
            label=each.name,
        )
        _draw_intervals([value for _, value in shown], places, scale, axes, paper)
    axes.set_yticks(range(len(item.labels)), [fill(label, _LABEL_WIDTH) for label in item.labels])
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    _label(axes, " ".join(filter(None, (item.y_label, f"({item.unit})" if item.unit else ""))), "")


def _draw_intervals(
    values: Sequence[Estimate | float], places: Sequence[float], scale: float, axes: Axes, paper: Paper
) -> None:
    for value, place in zip(values, places, strict=True):
        if isinstance(value, Estimate):
            ends = [value.low * scale, value.high * scale]
            # A casing, so that the line shows on a dark bar too.
            axes.plot(ends, [place, place], color=paper.ground, linewidth=3.2, solid_capstyle="butt")
            axes.plot(ends, [place, place], color=paper.ink, linewidth=1.4, solid_capstyle="butt")


def _value_of(value: Estimate | float) -> float:
    return value.value if isinstance(value, Estimate) else float(value)


def _class_colour(colour: tuple[int, int, int]) -> tuple[float, float, float]:
    return (colour[0] / 255, colour[1] / 255, colour[2] / 255)


def _label(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def _svg(figure: Figure) -> bytes:
    stream = io.BytesIO()
    # Salted, so that the same chart gives the same bytes.
    with matplotlib.rc_context({"svg.hashsalt": "probes", "svg.fonttype": "path"}):
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return stream.getvalue()
