from __future__ import annotations

import pytest

from probes.report.items import Cell
from probes.report.numbers import Written, duration, moment, plain, write_number
from probes.statistics import Estimate


@pytest.mark.parametrize(
    ("cell", "unit", "line"),
    [
        (Estimate(1.8387, 1.512, 2.2, 131), "per km", "1.84\u202fper km [1.51 to 2.20], n = 131"),
        (Estimate(0.0156, 0.0028, 0.0834, 64), "%", "1.6% [0.3 to 8.3], n = 64"),
        (Estimate(0.5, 0.37, 0.63, 2000), "%", "50% [37 to 63], n = 2,000"),
        (Estimate(-27.25, -40.5, -9.75, 8), "", "\u221227 [\u221240 to \u221210], n = 8"),
        (Estimate(1.0, 1.0, 1.0, 20), "", "1 [1 to 1], n = 20"),
        (Estimate(0.123456, 0.123456, 0.123456, 20), "", "0.123 [0.123 to 0.123], n = 20"),
        (12345, "m", "12,345\u202fm"),
        (0.031259, "", "0.0313"),
        (0.25, "%", "25%"),
        (-1e-9, "", "\u22121.00e\u221209"),
        (0.0, "", "0"),
        ("seed 17", "", "seed 17"),
        (None, "m", "\u2013"),
    ],
)
def test_a_number_has_as_many_digits_as_its_interval_allows(cell: Cell, unit: str, line: str) -> None:
    assert write_number(cell, unit).line == line


def test_a_small_negative_number_does_not_become_minus_zero() -> None:
    assert write_number(Estimate(-0.001, -5.0, 5.0, 9)) == Written("0", "\u22125 to 5", "9")


def test_a_mark_is_written_to_four_digits() -> None:
    assert plain(-2.32449) == "\u22122.324"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "0.25\u202fs"), (90.4, "90\u202fs"), (431.0, "7\u202fmin"), (7500.0, "2\u202fh 5\u202fmin")],
)
def test_a_duration_has_the_unit_that_suits_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_moment_is_written_to_the_minute_and_what_is_none_as_it_is() -> None:
    assert moment("2025-11-23T10:12:59+00:00") == "2025-11-23 10:12"
    assert moment("yesterday") == "yesterday"
