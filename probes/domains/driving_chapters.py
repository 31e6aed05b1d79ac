"""The chapters of a driving study's page on other ways to make states, and on the replay."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes.artifacts import artifact
from probes.domains.driving_sections import Shelf, estimate
from probes.report.contract import (
    Cell,
    Column,
    Film,
    Item,
    Number,
    Section,
    SourceRef,
    Stacks,
    Table,
    Text,
)
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


def baselines_section(shelf: Shelf) -> Section:
    """Show activation maximisation in pixel space beside ours (Fig. 3)."""
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
                "Which of these are scenes of a street, and which are noise that the agent takes for one.",
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


def replay_section(shelf: Shelf, agent: str) -> Section:
    """Tell what happened on the road."""
    told, source = shelf.result("replay"), shelf.source("replay")
    scenarios = [one["name"] for one in told["scenarios"]]
    items: list[Item] = [_drives(told, source)]
    items += _contrasts(told["contrasts"], source)
    for film in told["films"]:
        items.append(
            Film(
                f"{film['agent']} in {film['scenario']}, seed {film['seed']}: it hits a person at "
                f"{film['impact']:.1f} m/s",
                "The moment from which the person can be seen, and what the agent does from then on. "
                "Braking in time would have prevented this hit.",
                f"replay/{film['file']}",
                source,
            )
        )
    if not told["films"]:
        items.append(Text(f"No film: {told['no_films']}."))
    return Section(
        "replay",
        "What happened",
        f"{agent} drove the same {told['episodes']} seeds in each scenario: {', '.join(scenarios)}. It "
        "always took the action that it likes best.",
        tuple(items),
    )


def _drives(told: dict[str, Any], source: SourceRef) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            f"{name} in {scenario}",
            one["episodes"],
            one["km"],
            estimate(one["hits_per_km"]),
            estimate(one["avoidable_per_km"]),
            estimate(one["mean_speed"]),
        )
        for name, by_scenario in told["summaries"].items()
        for scenario, one in by_scenario.items()
    ]
    return Table(
        "The same seeds in each scenario",
        "More people hit per km in one scenario than in another. A hit is avoidable if full braking, 0.2 s "
        "after the person was off the kerb and could be seen, ends without contact. Of a rate, n counts the "
        "hits.",
        (
            Column("agent and scenario"),
            Column("episodes"),
            Column("driven", "km"),
            Column("people hit", "per km"),
            Column("of them avoidable", "per km"),
            Column("mean speed", "m/s"),
        ),
        tuple(rows),
        source,
    )


def _contrasts(told: list[dict[str, Any]], source: SourceRef) -> list[Number]:
    return [
        Number(
            f"people hit per km in {one['other']['scenario']} less those in {one['before']['scenario']}",
            found,
            source,
            "per km",
            "compared seed by seed; n counts the seeds",
        )
        for one in told
        if (found := estimate(one["hits_per_km"])) is not None
    ]
