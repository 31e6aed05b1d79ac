"""What a section of the page holds: numbers, tables, moving states, charts, films and text.

Every item but text names the artifact that it came from. Files are named relative to the study's directory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from probes.states import StateLayout
from probes.statistics import Estimate

Cell: TypeAlias = Estimate | float | int | str | None
"""Of a table or a list of facts: an estimate shows its interval and n, None a dash."""


@dataclass(frozen=True)
class SourceRef:
    """The artifact that a number or a picture came from."""

    kind: str
    """As in its manifest, such as `findings`; `agent` for a shipped agent."""
    digest: str
    """As in its manifest; the page shows the first eight digits."""
    command: str
    """That made it."""
    path: str = ""
    """Of its directory, relative to the study's; empty if it is not there (a shipped record)."""
    shipped: bool = False
    """Read from a record that comes with the package, not computed now: the page says so."""


@dataclass(frozen=True)
class Bar:
    """What a number was required to reach."""

    text: str
    """Such as `at least half`."""
    met: bool


@dataclass(frozen=True)
class Number:
    """One number."""

    label: str
    estimate: Estimate | float | int
    """A bare number only where there is nothing to estimate, such as a count."""
    source: SourceRef
    unit: str = ""
    """SI; `%` says that the estimate is a share from 0 to 1, and it is shown in percent."""
    note: str = ""
    bar: Bar | None = None
    type: Literal["number"] = "number"


@dataclass(frozen=True)
class Column:
    """Of a table."""

    name: str
    unit: str = ""
    """Of its numbers, as in `Number`."""


@dataclass(frozen=True)
class Table:
    """Rows of text and numbers."""

    caption: str
    look_for: str
    """What a reader should see in it, in one sentence; of every figure likewise."""
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    """The first cell of a row is its heading."""
    source: SourceRef
    type: Literal["table"] = "table"

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows):
            require(
                len(row) == len(self.columns), f"row {number}: {len(row)} cells, {len(self.columns)} columns"
            )


@dataclass(frozen=True)
class Stacks:
    """States, shown moving: every frame of each."""

    caption: str
    look_for: str
    file: str
    """`.npy` of stored states (N, T, M, H, W), uint8."""
    layout: StateLayout
    indices: tuple[int, ...]
    """Which of the N to show, in order."""
    source: SourceRef
    labels: tuple[str, ...] = ()
    """One under each state, or none at all."""
    planes: tuple[str, ...] = ()
    """Names of the planes to show; all of them unless given."""
    type: Literal["stacks"] = "stacks"

    def __post_init__(self) -> None:
        _check_pictures(self.indices, self.labels, self.planes, self.layout)


@dataclass(frozen=True)
class Weights:
    """States above the weights w of their pixels (Fig. 2)."""

    caption: str
    look_for: str
    states_file: str
    """`.npy` of stored states (N, T, M, H, W), uint8."""
    weights_file: str
    """`.npy` of weights (N, T, H, W), any float, not negative."""
    layout: StateLayout
    indices: tuple[int, ...]
    source: SourceRef
    labels: tuple[str, ...] = ()
    planes: tuple[str, ...] = ()
    type: Literal["weights"] = "weights"

    def __post_init__(self) -> None:
        _check_pictures(self.indices, self.labels, self.planes, self.layout)


@dataclass(frozen=True)
class Mark:
    """A vertical line in a chart, such as the real states' maximum."""

    label: str
    x: float


@dataclass(frozen=True)
class HistogramSeries:
    """How values are distributed over bins."""

    name: str
    edges: tuple[float, ...]
    """Of the bins, ascending, one more than `shares`."""
    shares: tuple[float, ...]
    """Of the n values, in each bin."""
    n: int

    def __post_init__(self) -> None:
        require(
            len(self.edges) == len(self.shares) + 1, f"{len(self.edges)} edges of {len(self.shares)} bins"
        )
        require(list(self.edges) == sorted(set(self.edges)), "the edges do not ascend")


@dataclass(frozen=True)
class Histogram:
    """Distributions over one axis."""

    caption: str
    look_for: str
    x_label: str
    series: tuple[HistogramSeries, ...]
    source: SourceRef
    y_label: str = "share"
    marks: tuple[Mark, ...] = ()
    type: Literal["histogram"] = "histogram"


@dataclass(frozen=True)
class CurveSeries:
    """A line, and the band around it if it has one."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    band: str = ""
    """What the band is, such as `quartiles of 64 chains`."""

    def __post_init__(self) -> None:
        for name, values in (("y", self.y), ("low", self.low), ("high", self.high)):
            optional = not values and name != "y"
            require(
                optional or len(values) == len(self.x), f"{name}: {len(values)} values, x has {len(self.x)}"
            )
        require(bool(self.low) == bool(self.high) == bool(self.band), "low, high and band go together")


@dataclass(frozen=True)
class Curve:
    """Lines over one axis, such as the objective over the steps of a search."""

    caption: str
    look_for: str
    x_label: str
    y_label: str
    series: tuple[CurveSeries, ...]
    source: SourceRef
    marks: tuple[Mark, ...] = ()
    type: Literal["curve"] = "curve"


@dataclass(frozen=True)
class BarSeries:
    """One bar for each label of its chart."""

    name: str
    values: tuple[Estimate | float | int | None, ...]
    """None leaves its place empty; an estimate has its interval drawn."""


@dataclass(frozen=True)
class Bars:
    """Numbers side by side, by label."""

    caption: str
    look_for: str
    labels: tuple[str, ...]
    """Labels that are all class names are drawn in the colours of the classes."""
    series: tuple[BarSeries, ...]
    source: SourceRef
    y_label: str = ""
    unit: str = ""
    """As in `Number`."""
    type: Literal["bars"] = "bars"

    def __post_init__(self) -> None:
        for each in self.series:
            found = len(each.values)
            require(
                found == len(self.labels), f"series {each.name!r}: {found} values, {len(self.labels)} labels"
            )


@dataclass(frozen=True)
class Film:
    """A recorded drive."""

    caption: str
    look_for: str
    file: str
    """`.mp4`; above 6 MB it is named, with a picture, rather than embedded."""
    source: SourceRef
    type: Literal["film"] = "film"


@dataclass(frozen=True)
class Image:
    """A picture that a stage has drawn, such as a map."""

    caption: str
    look_for: str
    file: str
    """`.png`."""
    alt: str
    """What it shows, for who cannot see it."""
    source: SourceRef
    type: Literal["image"] = "image"


@dataclass(frozen=True)
class Text:
    """A paragraph; empty lines part paragraphs."""

    text: str
    type: Literal["text"] = "text"


Item: TypeAlias = Number | Table | Stacks | Weights | Histogram | Curve | Bars | Film | Image | Text


def _check_pictures(
    indices: tuple[int, ...], labels: tuple[str, ...], planes: tuple[str, ...], layout: StateLayout
) -> None:
    require(len(indices) > 0, "no state is to be shown")
    require(min(indices, default=0) >= 0, "an index is negative")
    require(not labels or len(labels) == len(indices), f"{len(labels)} labels of {len(indices)} states")
    known = [plane.name for plane in layout.planes]
    require(set(planes) <= set(known), f"planes {', '.join(planes)}: allowed are {', '.join(known)}")


def require(holds: bool, complaint: str) -> None:
    """Raise a `ValueError` unless something holds."""
    if not holds:
        raise ValueError(complaint)
