"""What a benchmark says: one row, ratios before absolute numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """One measurement, beside a peer's and beside the best that could be."""

    row: str
    unit: str
    ours: float
    target: str
    """What is asked for, in words."""
    is_met: bool
    peer: float | None = None
    peer_name: str | None = None
    ratio_peer: float | None = None
    """How many times the peer's number ours is, the median of turns taken side by side."""
    floor: float | None = None
    """The part that could not be saved, measured alone, in the same unit."""
    ratio_floor: float | None = None
    """How many times the floor ours is, likewise."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else was measured."""

    def as_json(self) -> dict[str, Any]:
        """Return the row as plain data, numbers to six digits, the keys of every row first."""
        first = {
            "row": self.row,
            "unit": self.unit,
            "ours": self.ours,
            "peer": self.peer,
            "peer_name": self.peer_name,
            "floor": self.floor,
            "ratio_peer": self.ratio_peer,
            "ratio_floor": self.ratio_floor,
            "target": self.target,
            "is_met": self.is_met,
        }
        return {name: _rounded(value) for name, value in {**first, **self.more}.items()}


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _rounded(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(entry) for entry in value]
    if isinstance(value, float):
        # JSON has no NaN.
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
