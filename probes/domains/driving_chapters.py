"""The chapters of a driving study's page on what states show, other ways to make them, and the replay."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes.artifacts import artifact
from probes.domains.driving_sections import Shelf, estimate
from probes.report.contract import (
    Bars,
    BarSeries,
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
from probes.statistics import Estimate

IN_SIGHT = ("light", "car ahead", "person", "person on the road", "person within the stopping path")
"""What experiment 2 counts."""
COMPARED = {
    "t-minus": "What is shown more often, or less, where the agent expects little than in all recorded "
    "states. ",
    "action-brake": "What is shown more often, or less, where the agent would brake than in all recorded "
    "states. ",
}
"""The findings whose contents are drawn, and what to look for in them."""
NOT_SYNTHESISED = (
    "What is hardly ever shown was not synthesised: the agent may not go by it, or the state model may not "
    "draw it, and this chart cannot tell which."
)
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


def contents_section(shelf: Shelf, has_braking: bool) -> Section:
    """Tell what the findings show, and whether the agent brakes where nothing is in its way.

    Args:
        shelf: of the study.
        has_braking: whether its braking on the road was counted too.
    """
    told, source = shelf.result("contents"), shelf.source("contents")
    items: list[Item] = [
        _sights(told["targets"][name], told["real"], look_for, source)
        for name, look_for in COMPARED.items()
        if name in told["targets"]
    ]
    items.append(_braking(told, shelf))
    if has_braking:
        items.append(_roads(shelf))
    return Section(
        "contents",
        "What is shown, and what is not synthesised",
        "Counted in the newest frame of each state, by the same rules for synthesised and for recorded "
        "states.",
        tuple(items),
    )


def _sights(one: dict[str, Any], real: dict[str, Any] | None, look_for: str, source: SourceRef) -> Bars:
    name = one["target"]["name"]
    parts = (
        (f"synthesised for {name}, pass the checks", one["passed"]),
        (f"recorded, the 5% with the highest J of {name}", one["real_highest"]),
        ("recorded, all held out", real),
    )
    return Bars(
        f"What states show that were synthesised for {name}, beside recorded ones",
        look_for + NOT_SYNTHESISED,
        IN_SIGHT,
        tuple(BarSeries(label, tuple(_share(part, sight) for sight in IN_SIGHT)) for label, part in parts),
        source,
        "states that show it",
        "%",
    )


def _share(part: dict[str, Any] | None, sight: str) -> Estimate | None:
    return None if part is None else estimate(part["shows"][sight])


def _braking(told: dict[str, Any], shelf: Shelf) -> Table:
    parts = {"recorded, all held out": told["real"]}
    for searched in shelf.searched:
        parts[f"synthesised for {searched.title}"] = told["targets"][searched.findings.name]["passed"]
    rows = tuple(
        (
            label,
            part["states"],
            estimate(part["road_free"]),
            estimate(part["brakes"]),
            estimate(part["brakes_on_free_road"]),
        )
        for label, part in parts.items()
        if part is not None
    )
    return Table(
        "Whether the agent brakes, and whether it does so where its way is free",
        "Braking where the way is free: no car ahead, nobody on the road or within the stopping path, no red "
        "or yellow light. Nothing that is drawn asks for it there. Of synthesised states only those that "
        "pass the checks count.",
        (
            Column("states"),
            Column("how many"),
            Column("way is free", "%"),
            Column("agent brakes", "%"),
            Column("brakes where it is free", "%"),
        ),
        rows,
        shelf.source("contents"),
    )


def _roads(shelf: Shelf) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (f"{road}: {condition}", one["decisions"], estimate(one["share"]), estimate(one["episodes"]))
        for road, conditions in shelf.result("braking")["roads"].items()
        for condition, one in conditions.items()
    ]
    return Table(
        "How often the agent brakes while it drives, with traffic and on the same road without",
        "Braking without traffic and without a light ahead: nothing asks for it.",
        (
            Column("road and condition"),
            Column("decisions"),
            Column("to brake", "%"),
            Column("episodes with one", "%"),
        ),
        tuple(rows),
        shelf.source("braking"),
    )


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
    place = shelf.directory / "activation-max"
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
