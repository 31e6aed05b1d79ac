"""Maps from above of what changes when somebody stands at a place around a vehicle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from probes.report.figures import LIGHT

Floats = NDArray[np.float64]

_COLOURS = LinearSegmentedColormap.from_list("change", [LIGHT.colours[0], LIGHT.ground, LIGHT.colours[1]])
"""Blue for less, white for no change, orange for more."""
_PANEL = 2.3, 4.6
"""in."""
_IN_A_ROW = 4
_LEAST = 0.1
"""The scale's end at least, so that noise does not look like an effect."""


@dataclass(frozen=True)
class Plan:
    """The ground around a vehicle whose bumper is at 0, and the places on it."""

    ahead: Sequence[float]
    """(R,) m ahead of the bumper, evenly spaced."""
    left: Sequence[float]
    """(K,) m left of the vehicle's centre line, evenly spaced."""
    length: float
    """m, of the vehicle."""
    width: float
    kerbs: tuple[float, float]
    """m left of the centre line, of the right and the left kerb."""
    stopping: float
    """m ahead, within which it can no longer stop."""


@dataclass(frozen=True)
class Panel:
    """One map."""

    title: str
    values: Floats
    """(R, K)"""
    is_marked: NDArray[np.bool_]
    """(R, K), which places get a dot."""


def draw_plans(plan: Plan, panels: Sequence[Panel], label: str, dots: str) -> Figure:
    """Draw maps side by side, by one scale.

    Args:
        plan: where the places are.
        panels: at least one.
        label: of the scale.
        dots: what they mean.
    """
    columns = min(len(panels), _IN_A_ROW)
    rows = -(-len(panels) // columns)
    end = max(_LEAST, *(float(np.abs(panel.values).max()) for panel in panels))
    scale = Normalize(-end, end)
    with matplotlib.rc_context({"font.family": "DejaVu Sans", "font.size": 8.5, "text.color": LIGHT.ink}):
        figure = Figure(figsize=(_PANEL[0] * columns + 0.8, _PANEL[1] * rows + 0.3), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for axes, panel in zip(grid.flat, panels, strict=False):
            _draw(axes, plan, panel, scale)
        for axes in list(grid.flat)[len(panels) :]:
            axes.set_axis_off()
        for axes in grid[:, 0]:
            axes.set_ylabel("m ahead of the bumper")
        figure.colorbar(ScalarMappable(scale, _COLOURS), ax=grid, label=label, shrink=0.6)
        key = f"m to the left; dots: {dots}; dashed: nearer, it could not stop at the mean speed"
        figure.supxlabel(fill(key, 34 * columns), fontsize=7.5)
    return figure


def save_plans(figure: Figure, path: Path) -> None:
    """Write maps as PNG, the same maps as the same bytes."""
    figure.savefig(path, dpi=150, metadata={"Software": None})


def _draw(axes: Axes, plan: Plan, panel: Panel, scale: Normalize) -> None:
    rows, columns = _edges(plan.ahead), _edges(plan.left)
    axes.pcolormesh(columns, rows, panel.values, cmap=_COLOURS, norm=scale)
    marked = np.nonzero(panel.is_marked)
    axes.plot(np.asarray(plan.left)[marked[1]], np.asarray(plan.ahead)[marked[0]], ".", color=LIGHT.ink, ms=3)
    for kerb in plan.kerbs:
        axes.axvline(kerb, color=LIGHT.ink, linewidth=0.8)
    axes.axhline(plan.stopping, color=LIGHT.ink, linewidth=0.8, linestyle="--")
    corner = (-plan.width / 2, -plan.length)
    axes.add_patch(Rectangle(corner, plan.width, plan.length, color=LIGHT.ink, linewidth=0))
    axes.set_xlim(columns[-1], columns[0])  # what is to the left is drawn to the left
    axes.set_ylim(-plan.length - 1.0, rows[-1])
    axes.set_title(fill(panel.title, 24), fontsize=8.5)
    axes.tick_params(color=LIGHT.faint)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _edges(centres: Sequence[float]) -> Floats:
    """Return the edges (n + 1,) of cells with evenly spaced centres (n,)."""
    step = (centres[-1] - centres[0]) / (len(centres) - 1)
    return np.append(np.asarray(centres, np.float64) - step / 2, centres[-1] + step / 2)
