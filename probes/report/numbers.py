"""How numbers are written: as many digits as their interval allows, a true minus, thousands apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from probes.report.items import Cell
from probes.statistics import Estimate

DASH = "\u2013"
_MINUS = "\u2212"
_THIN = "\u202f"
_STEPS = 10
"""The last digit is so fine that an interval is at least this many of its steps wide."""
_MOST_DECIMALS = 6


@dataclass(frozen=True)
class Written:
    """A number in words; empty texts where there is nothing to say."""

    value: str
    interval: str = ""
    """95%, such as `8 to 17`."""
    n: str = ""
    unit: str = ""
    """With the space before it, if it takes one."""

    @property
    def line(self) -> str:
        """All of it in one line."""
        span = f" [{self.interval}]" if self.interval else ""
        return f"{self.value}{self.unit}{span}" + (f", n = {self.n}" if self.n else "")


def write_number(cell: Cell, unit: str = "") -> Written:
    """Write a number, an estimate, or a text as it is.

    Args:
        cell: what to write; None is a dash.
        unit: SI; `%` multiplies by 100.
    """
    if cell is None:
        return Written(DASH)
    if isinstance(cell, str):
        return Written(cell)
    scale = 100 if unit == "%" else 1
    suffix = unit if unit in ("%", "") else _THIN + unit
    if isinstance(cell, Estimate):
        decimals = _decimals(cell, scale)
        low, high = (_fixed(end * scale, decimals) for end in (cell.low, cell.high))
        return Written(_fixed(cell.value * scale, decimals), f"{low} to {high}", f"{cell.n:,}", suffix)
    if isinstance(cell, int):
        return Written(_fixed(cell * scale, 0), unit=suffix)
    return Written(_significant(cell * scale, 3), unit=suffix)


def plain(value: float) -> str:
    """Write a number without interval, to four significant digits."""
    return _significant(value, 4)


def moment(created: str) -> str:
    """Write a UTC time to the minute; what is none as it is."""
    try:
        return datetime.fromisoformat(created).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return created


def duration(seconds: float) -> str:
    """Write a duration in the unit that suits it."""
    if seconds < 1:
        return f"{seconds:.2f}{_THIN}s"
    if seconds < 120:
        return f"{seconds:.0f}{_THIN}s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes}{_THIN}min"
    return f"{minutes // 60}{_THIN}h {minutes % 60}{_THIN}min"


def _decimals(estimate: Estimate, scale: float) -> int:
    width = (estimate.high - estimate.low) * scale
    if not width > 0:
        return _decimals_of(estimate.value * scale, 3)
    # A little less, for 0.3 - 0.2 is not quite 0.1.
    return min(max(0, math.ceil(math.log10(_STEPS / width) - 1e-6)), _MOST_DECIMALS)


def _decimals_of(value: float, digits: int) -> int:
    if value == int(value):
        return 0
    return min(max(0, digits - 1 - math.floor(math.log10(abs(value)))), _MOST_DECIMALS)


def _significant(value: float, digits: int) -> str:
    if value and (abs(value) >= 1e9 or abs(value) < 10**-_MOST_DECIMALS):
        return f"{value:.{digits - 1}e}".replace("-", _MINUS)
    text = _fixed(value, _decimals_of(value, digits))
    return text.rstrip("0").rstrip(".") if "." in text else text


def _fixed(value: float, decimals: int) -> str:
    text = f"{value:,.{decimals}f}"
    if float(text.replace(",", "")) == 0:  # no "-0.0"
        text = text.removeprefix("-")
    return text.replace("-", _MINUS)
