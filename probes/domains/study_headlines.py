"""The headline numbers that studies of any domain have: side by side they stand in one row."""

from __future__ import annotations

from probes.domains.study_sections import Shelf, estimate
from probes.report.contract import Number


def shared_headlines(shelf: Shelf) -> tuple[Number, ...]:
    """Return the headline numbers that studies of any domain have, those of them that are known."""
    passed = shelf.result("objective")["targets"]["t-minus"]["passed"]
    kept = shelf.result("goggles")["table"]["rows"]["crisp"]["kept"]
    told = (
        (
            "states synthesised for T- of which the agent expects less than of 99% of the recorded ones",
            estimate(passed and passed["beyond_99"]),
            "objective",
            "of those that pass the checks",
        ),
        (
            "return that the agent keeps while it sees through the state model",
            estimate(kept),
            "goggles",
            "above that of doing nothing; n counts the episodes",
        ),
    )
    return tuple(
        Number(label, found, shelf.source(stage), "%", note)
        for label, found, stage, note in told
        if found is not None
    )
