"""The chapter of a driving study's page on what states show, and whether an agent brakes in them."""

from __future__ import annotations

from typing import Any

from probes.domains.study_sections import Shelf, estimate
from probes.report.contract import Bars, BarSeries, Cell, Column, Item, Section, Table
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


def contents_section(shelf: Shelf, has_braking: bool) -> Section:
    """Tell what the findings show, and whether the agent brakes where nothing is in its way.

    Args:
        shelf: of the study.
        has_braking: whether its braking on the road was counted too.
    """
    targets = shelf.result("contents")["targets"]
    items: list[Item] = [
        sights_bars(shelf, name, look_for) for name, look_for in COMPARED.items() if name in targets
    ]
    items.append(braking_table(shelf))
    if has_braking:
        items.append(roads_table(shelf))
    return Section(
        "contents",
        "What is shown, and what is not synthesised",
        "Counted in the newest frame of each state, by the same rules for synthesised and for recorded "
        "states.",
        tuple(items),
    )


def sights_bars(shelf: Shelf, target: str, look_for: str, of: str = "") -> Bars:
    """Draw what the findings of a target show, beside what recorded states do.

    Args:
        shelf: of the agent.
        target: the directory of the findings.
        look_for: what a reader should see, before a word on what was not synthesised.
        of: whose findings they are, if not of the studied agent.
    """
    told = shelf.result("contents")
    one, whom = told["targets"][target], f" of {of}" if of else ""
    name = one["target"]["name"]
    parts = (
        (
            f"synthesised for {name}, {'pass' if one['passed'] else 'of which none passes'} the checks",
            one["passed"],
        ),
        (f"recorded, the 5% with the highest J of {name}", one["real_highest"]),
        ("recorded, all held out", told["real"]),
    )
    return Bars(
        f"What states show that were synthesised for {name}{whom}, beside recorded ones",
        look_for + NOT_SYNTHESISED,
        IN_SIGHT,
        tuple(BarSeries(label, tuple(_share(part, sight) for sight in IN_SIGHT)) for label, part in parts),
        shelf.source("contents"),
        "states that show it",
        "%",
    )


def _share(part: dict[str, Any] | None, sight: str) -> Estimate | None:
    return None if part is None else estimate(part["shows"][sight])


def braking_table(shelf: Shelf, agent: str = "the agent") -> Table:
    """Tell of each target's findings that pass whether the agent brakes in them."""
    told = shelf.result("contents")
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
        f"Whether {agent} brakes, and whether it does so where its way is free",
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


def roads_table(shelf: Shelf, agent: str = "the agent") -> Table:
    """Tell how often the agent braked in real roll-outs."""
    rows: list[tuple[Cell, ...]] = [
        (f"{road}: {condition}", one["decisions"], estimate(one["share"]), estimate(one["episodes"]))
        for road, conditions in shelf.result("braking")["roads"].items()
        for condition, one in conditions.items()
    ]
    return Table(
        f"How often {agent} brakes while it drives, with traffic and on the same road without",
        "Braking without traffic and without a light ahead: nothing asks for it. Of few episodes the "
        "interval of the decisions is too narrow, for those of one episode hang together; that of the "
        "episodes is not.",
        (
            Column("road and condition"),
            Column("decisions"),
            Column("to brake", "%"),
            Column("episodes with one", "%"),
        ),
        tuple(rows),
        shelf.source("braking"),
    )
