"""The headline numbers that studies of any domain have: side by side they stand in one row."""

from __future__ import annotations

from probes.domains.model_records import Record
from probes.domains.study_sections import Shelf, estimate
from probes.report.contract import Number


def played(shelf: Shelf) -> Record:
    """Return what the study found of the goggles itself."""
    return Record(shelf.result("goggles"), shelf.source("goggles"), "")


def shared_headlines(shelf: Shelf, goggles: Record) -> tuple[Number, ...]:
    """Return the headline numbers that studies of any domain have, those of them that are known.

    Args:
        shelf: of the study.
        goggles: what is known of them.
    """
    passed = shelf.result("objective")["targets"]["t-minus"]["passed"]
    kept = goggles.result["table"]["rows"]["crisp"]["kept"]
    told = (
        (
            "states synthesised for T- of which the agent expects less than of 99% of the recorded ones",
            estimate(passed and passed["beyond_99"]),
            shelf.source("objective"),
            "of those that pass the checks",
        ),
        (
            "return that the agent keeps while it sees through the state model",
            estimate(kept),
            goggles.source,
            "above that of doing nothing; n counts the episodes",
        ),
    )
    return tuple(
        Number(label, found, source, "%", note) for label, found, source, note in told if found is not None
    )
