"""What was measured of a shipped state model before it was shipped: `measures.json`, which lies beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from probes.agent import ProbeError
from probes.artifacts.manifest import read_manifest
from probes.artifacts.payload import read_json
from probes.domains.study_sections import estimate
from probes.models import models_directory
from probes.report.contract import Cell, SourceRef

MEASURES = "measures.json"
"""Not listed in a model's manifest: it is about the artifact, not part of it."""


class Record(NamedTuple):
    """What one measure found."""

    result: dict[str, Any]
    """As the measure's `result.json`."""
    source: SourceRef
    note: str
    """What a reader of the record should know."""


def is_shipped(model: Path) -> bool:
    """Tell whether a state model comes with the package."""
    return model.resolve().parent == models_directory().resolve()


def records(model: Path, kind: str) -> list[Record]:
    """Return a shipped state model's records of one kind of measure; none of a model that is not shipped.

    Args:
        model: its directory.
        kind: of the measure, such as `goggles`.

    Raises:
        ProbeError: `measures.json` is there but damaged.
    """
    data = _read(model)
    digest = read_manifest(model, None).digest if data else ""
    return [
        Record(
            entry["result"],
            # Records of earlier versions do not name the measure's own digest.
            SourceRef(kind, entry.get("digest", digest), entry["command"], shipped=True),
            str(data.get("note", "")),
        )
        for name, entry in data.get("measures", {}).items()
        if entry.get("kind", name) == kind
    ]


def ancestors(model: Path) -> list[dict[str, Any]]:
    """Return the fits that a shipped state model went on from, the first one first."""
    return list(_read(model).get("history", []))[:-1]


def _read(model: Path) -> dict[str, Any]:
    file = model / MEASURES
    if not is_shipped(model) or not file.is_file():
        return {}
    data = read_json(file)
    if not isinstance(data, dict):
        raise ProbeError(f"{file}: holds no JSON object")
    return data


def sample_facts(model: Path) -> dict[str, Cell]:
    """Return what random samples of a shipped state model showed, by name; of games nothing is counted."""
    facts: dict[str, Cell] = {}
    for record in records(model, "samples"):
        told = record.result
        if "classes_within" not in told:
            continue
        within, of = told["classes_within"]["within"], told["classes_within"]["of"]
        count = f"of {told['samples']:,} samples, shipped record"
        facts[f"classes drawn as often as recorded, within 25% ({count})"] = f"{within} of {of}"
        facts[f"share of consistent scenes ({count})"] = estimate(told["realism"]["samples"]["realistic"])
    return facts
