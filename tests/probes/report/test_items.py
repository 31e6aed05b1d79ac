from __future__ import annotations

from collections.abc import Callable

import pytest

from probes.report.items import (
    Bars,
    BarSeries,
    Column,
    CurveSeries,
    HistogramSeries,
    Stacks,
    Table,
)
from tests.probes.report.studies import LAYOUT, SHIPPED


def stacks(
    indices: tuple[int, ...] = (0, 1), labels: tuple[str, ...] = (), planes: tuple[str, ...] = ()
) -> Stacks:
    return Stacks("a", "b", "stored.npy", LAYOUT, indices, SHIPPED, labels, planes)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: Table("a", "b", (Column("x"),), (("1",), ("1", "2")), SHIPPED), "row 1: 2 cells, 1 columns"),
        (lambda: HistogramSeries("a", (0.0, 1.0), (0.5, 0.5), 4), "2 edges of 2 bins"),
        (lambda: HistogramSeries("a", (1.0, 0.0), (1.0,), 4), "do not ascend"),
        (lambda: CurveSeries("a", (0.0, 1.0), (0.5,)), "y: 1 values, x has 2"),
        (lambda: CurveSeries("a", (0.0,), (0.5,), (0.4,), (), "quartiles"), "go together"),
        (lambda: CurveSeries("a", (0.0,), (0.5,), (0.4,), (0.6,)), "go together"),
        (lambda: Bars("a", "b", ("x", "y"), (BarSeries("s", (1,)),), SHIPPED), "series 's': 1 values"),
        (lambda: stacks(indices=()), "no state is to be shown"),
        (lambda: stacks(indices=(0, -1)), "an index is negative"),
        (lambda: stacks(labels=("one",)), "1 labels of 2 states"),
        (lambda: stacks(planes=("gray",)), "allowed are depth, semantic"),
    ],
)
def test_what_does_not_fit_together_is_refused(make: Callable[[], object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        make()


def test_a_curve_needs_no_band() -> None:
    assert CurveSeries("a", (0.0, 1.0), (0.5, 0.7)).low == ()
