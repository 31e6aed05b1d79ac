"""What a study's page tells of the state model that drew all of its states."""

from __future__ import annotations

from collections.abc import Iterable

from probes.domains.study_sections import SHOWN, Shelf
from probes.report.contract import Item, Section, Stacks
from probes.states import StateLayout


def model_section(shelf: Shelf, look_for: str, more: Iterable[Item] = ()) -> Section:
    """Show what the state model draws if nothing is searched for.

    Args:
        shelf: of the study.
        look_for: what a reader should see in its samples.
        more: what else is known of them.
    """
    told = shelf.result("samples")
    samples = Stacks(
        "Random samples of the state model, searched for nothing",
        look_for,
        "samples/stored.npy",
        StateLayout.from_json(told["layout"]),
        tuple(range(min(2 * SHOWN, int(told["samples"])))),
        shelf.source("samples"),
    )
    return Section(
        "model",
        "The state model, and how far to trust it",
        "All synthesised states are drawn by a model that learned to draw recorded ones. What it cannot draw "
        "cannot be found, and what it draws too often may look like a finding.",
        (samples, *more),
    )
