from __future__ import annotations

import base64
import re
from xml.etree import ElementTree

import pytest

from probes.report.figures import DARK, LIGHT, draw_chart
from probes.report.items import (
    Bars,
    BarSeries,
    Curve,
    CurveSeries,
    Histogram,
    HistogramSeries,
    Mark,
)
from probes.statistics import Estimate
from tests.probes.report.studies import CLASSES, SHIPPED

HISTOGRAM = Histogram(
    "a",
    "b",
    "V",
    (HistogramSeries("real", (0.0, 1.0, 2.0), (0.25, 0.75), 4),),
    SHIPPED,
    marks=(Mark("largest", 1.5),),
)
CURVE = Curve(
    "a",
    "b",
    "step",
    "J",
    (
        CurveSeries("T-", (0.0, 1.0), (0.0, 2.0), (-1.0, 1.0), (1.0, 3.0), "quartiles"),
        CurveSeries("T+", (0.0, 1.0), (0.0, 1.0)),
    ),
    SHIPPED,
)
BARS = Bars("a", "b", ("road", "car"), (BarSeries("drawn", (Estimate(0.5, 0.25, 0.75, 8), None)),), SHIPPED)


def svg_of(uri: str) -> str:
    return base64.b64decode(uri.removeprefix("data:image/svg+xml;base64,")).decode()


def colour(rgb: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)


@pytest.mark.parametrize("item", [HISTOGRAM, CURVE, BARS], ids=["histogram", "curve", "bars"])
def test_a_chart_is_drawn_in_the_colours_of_its_paper(item: Histogram | Curve | Bars) -> None:
    drawing = draw_chart(item)

    for uri, paper, other in ((drawing.light, LIGHT, DARK), (drawing.dark, DARK, LIGHT)):
        svg = svg_of(uri)
        assert ElementTree.fromstring(svg).tag.endswith("svg")
        assert paper.colours[0] in svg
        assert paper.ink in svg
        assert other.ink not in svg


def test_a_chart_asks_for_nothing_from_elsewhere() -> None:
    svg = svg_of(draw_chart(CURVE).light)

    links = re.findall(r'(?:href|src)="([^"]*)"', svg)
    assert links
    assert all(link.startswith("#") for link in links)


def test_the_same_chart_gives_the_same_bytes() -> None:
    assert draw_chart(HISTOGRAM) == draw_chart(HISTOGRAM)


def test_bars_of_classes_take_the_colours_of_the_classes() -> None:
    by_class = svg_of(draw_chart(BARS, CLASSES).light)
    known = dict(CLASSES)

    assert colour(known["road"]) in by_class
    assert LIGHT.colours[0] not in by_class


def test_bars_take_no_class_colours_if_a_label_is_no_class() -> None:
    other = Bars("a", "b", ("road", "kerb"), (BarSeries("drawn", (1, 2)),), SHIPPED)

    assert LIGHT.colours[0] in svg_of(draw_chart(other, CLASSES).light)


def test_every_label_adds_height_and_none_adds_width() -> None:
    more = Bars("a", "b", ("a", "b", "c", "d"), (BarSeries("drawn", (1, 2, 3, 4)),), SHIPPED)

    few, many = draw_chart(BARS), draw_chart(more)

    assert many.height > few.height
    assert many.width == few.width <= 400


def test_the_colours_are_those_of_okabe_and_ito() -> None:
    published = {"#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"}

    assert set(LIGHT.colours) | set(DARK.colours) <= published
