"""The chapter of a driving study's page on the replay."""

from __future__ import annotations

from typing import Any

from probes.domains.study_sections import Shelf, estimate
from probes.report.contract import (
    Cell,
    Column,
    Film,
    Item,
    Number,
    Section,
    SourceRef,
    Table,
    Text,
)


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
