"""The chapter of a study's page on other ways to make states: activation maximisation (Fig. 3)."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes.artifacts import artifact
from probes.domains.study_sections import Shelf, estimate
from probes.report.contract import Cell, Column, Section, Stacks, Table
from probes.states import StateLayout

BASELINES = "baselines.npy"
"""The first state of each method, (methods, T, M, H, W)."""
METHODS = {
    "real": "recorded states",
    "ours": "search within the state model",
    "none": "pixels, not regularised",
    "sobolev": "pixels, neighbours alike (Sobolev)",
    "total_variation": "pixels, total variation",
    "gaussian_blur": "pixels, Gaussian blur",
    "transforms": "pixels, shifted, turned, scaled, cropped",
}
"""Ways to raise an objective, in words."""


def baselines_section(shelf: Shelf, scenes: str) -> Section:
    """Show activation maximisation in pixel space beside ours (Fig. 3).

    Args:
        shelf: of the study.
        scenes: what states should look like, such as `scenes of a street`.
    """
    told, source = shelf.result("activation-max"), shelf.source("activation-max")
    groups = told["groups"]
    rows: list[tuple[Cell, ...]] = [
        (
            _method(group),
            estimate(group["objective_stored"]),
            estimate(group["disagreement_with_real"]),
            estimate(group["reconstruction_disagreement"]),
        )
        for group in groups
    ]
    name = told["target"]["name"]
    return Section(
        "baselines",
        "The same without a state model",
        "Activation maximisation changes the pixels themselves until the agent's numbers are as asked for, "
        "here with each of the usual regularisers. The paper's Fig. 3 shows why a state model is needed.",
        (
            Table(
                f"J of {name} raised with a state model and without",
                "Rows of a high J that differ from all that was recorded in most of their pixels: no camera "
                "takes such pictures. J is in standard deviations of recorded states.",
                (
                    Column("method"),
                    Column("J"),
                    Column("pixels unlike the nearest recorded state", "%"),
                    Column("pixels that the state model redraws differently", "%"),
                ),
                tuple(rows),
                source,
            ),
            Stacks(
                f"One state of each method, J of {name} raised",
                f"Which of these are {scenes}, and which are noise that the agent takes for one.",
                BASELINES,
                StateLayout.from_json(shelf.result("samples")["layout"]),
                tuple(range(len(groups))),
                source,
                tuple(_method(group) for group in groups),
            ),
        ),
    )


def write_baselines(shelf: Shelf) -> None:
    """Write `BASELINES`: the artifact holds several states of each method, a page shows a row of states.

    Raises:
        ProbeError: there is no such artifact, or it is damaged.
    """
    place = shelf.path("activation-max")
    artifact.load(place, "activation-max")
    stored = np.load(place / "stored.npy", mmap_mode="r")
    np.save(shelf.directory / BASELINES, stored[:, 0])


def _method(group: dict[str, Any]) -> str:
    label = METHODS.get(group["name"], str(group["name"]))
    return label if group["strength"] == 1.0 else f"{label}, {group['strength']:g} times as strong"
