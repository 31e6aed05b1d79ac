"""What a study tells the page: `study.json`, as typed records that a study builds and the page reads.

Records check themselves when they are built, by `ValueError`; read from JSON, by a `ProbeError` that names
the place, such as `study.json.sections[2].items[0].source.digest`. Files are named relative to the study's
directory and lie inside it. Texts are plain text, never markup.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from probes.artifacts.payload import read_json, write_json
from probes.report.decoding import decode
from probes.report.items import (
    Bar,
    Bars,
    BarSeries,
    Cell,
    Column,
    Curve,
    CurveSeries,
    Film,
    Histogram,
    HistogramSeries,
    Image,
    Item,
    Mark,
    Number,
    SourceRef,
    Stacks,
    Table,
    Text,
    Weights,
    require,
)

__all__ = [
    "FILE",
    "FORMAT_VERSION",
    "AgentCard",
    "Bar",
    "BarSeries",
    "Bars",
    "Cell",
    "Column",
    "Curve",
    "CurveSeries",
    "Film",
    "Histogram",
    "HistogramSeries",
    "Image",
    "Item",
    "Mark",
    "ModelCard",
    "Number",
    "Section",
    "SourceRef",
    "Stacks",
    "Study",
    "Table",
    "Text",
    "Weights",
    "load_study",
    "save_study",
]

FORMAT_VERSION = 1
FILE = "study.json"


@dataclass(frozen=True)
class Section:
    """One chapter of the page."""

    id: str
    """Lower-case letters, digits and hyphens, such as `experiment1`."""
    title: str
    lead: str
    """One to three plain sentences."""
    items: tuple[Item, ...]

    def __post_init__(self) -> None:
        require(re.fullmatch("[a-z][a-z0-9-]*", self.id) is not None, f"id {self.id!r} is no plain name")


@dataclass(frozen=True)
class AgentCard:
    """An agent that was probed."""

    name: str
    scenario: str
    """That it learned in."""
    actions: tuple[str, ...]
    source: SourceRef
    evaluation: dict[str, Cell]
    """What is known of how it acts, such as `return` or `hits per km`."""


@dataclass(frozen=True)
class ModelCard:
    """A state model that drew the states."""

    name: str
    source: SourceRef
    measures: dict[str, Cell]
    """Such as the losses of its last iteration."""


@dataclass(frozen=True)
class Study:
    """Everything that a page tells of one study."""

    title: str
    created: str
    """UTC, ISO 8601."""
    command: str
    preset: str
    asked: str
    """What was asked, for a reader who does not know the paper; one to three sentences, as the next two."""
    expects: str
    """What the agent expects, by the states that were synthesised."""
    happened: str
    """What happened when it was tried."""
    agents: tuple[AgentCard, ...]
    models: tuple[ModelCard, ...]
    sections: tuple[Section, ...]
    """In the order of the page."""
    headlines: tuple[Number, ...] = ()
    """The few numbers that answer the question, shown at the top."""
    seconds: float | None = None
    """s, that the study took."""
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        ids = [section.id for section in self.sections]
        require(len(ids) == len(set(ids)), f"two sections have the same id, of {', '.join(ids)}")
        require(self.format_version == FORMAT_VERSION, f"format version {self.format_version} is unknown")

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return asdict(self)

    @staticmethod
    def from_json(data: object, where: str = FILE) -> Study:
        """Build a study from JSON.

        Raises:
            ProbeError: something is missing, unknown or of a wrong type; the message begins with its place.
        """
        return decode(Study, data, where)


def save_study(study: Study, directory: Path) -> None:
    """Write `study.json`.

    Raises:
        ProbeError: a number is not finite; the message says which.
    """
    write_json(directory / FILE, study.to_json())


def load_study(directory: Path) -> Study:
    """Read `study.json`.

    Raises:
        ProbeError: it is missing or malformed; the message says where and what is allowed.
    """
    return Study.from_json(read_json(directory / FILE), str(directory / FILE))
