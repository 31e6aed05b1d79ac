"""Estimates as a terminal shows them."""

from __future__ import annotations

from typing import Any


def in_brackets(estimate: dict[str, Any] | None, digits: str = ".3g") -> str:
    """Write an estimate and its interval.

    Args:
        estimate: `{value, low, high, n}`; None where there is none.
        digits: the format of each number.
    """
    if estimate is None:
        return "unknown"
    value, low, high = (format(estimate[key], digits) for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"
