"""Whose doing it is that people are missing from T- states, the agent's or the state model's: a chapter."""

from __future__ import annotations

from probes.domains.driving_companions import LOW, Companion
from probes.domains.driving_others import PATH, companion_shelf
from probes.domains.study_sections import Shelf, estimate, synthesised_stacks
from probes.domains.study_steps import finding_name
from probes.report.contract import Column, Item, Section, Table, Text
from probes.statistics import Estimate

DRAWS = 0.5
"""Share of the recorded people near the ego drawn again, from which on a state model can draw them."""


def generator_section(shelf: Shelf, companion: Companion) -> Section:
    """Set the agent's T- states beside those that were searched through another state model.

    Args:
        shelf: of the studied agent.
        companion: the same agent, asked through the other state model.
    """
    other = companion_shelf(companion, shelf.directory)
    rows, found = [], list[dict[str, Estimate | None]]()
    for label, one in (("its own", shelf), ("the other", other)):
        told = one.result("contents")
        passed = told["targets"][finding_name(LOW)]["passed"]
        found.append(
            {
                "synthesised": None if passed is None else estimate(passed["shows"][PATH]),
                "recorded": estimate(told["real"]["shows"][PATH]),
                "drawn again": estimate(told["drawn_again"][PATH]),
            }
        )
        rows.append((label, *found[-1].values()))
    table = Table(
        f"States with a {PATH}",
        "A state model that does not draw the recorded people again cannot propose them. Through one that "
        "does, few synthesised states with people are the agent's doing: fewer than there are recorded.",
        (
            Column("state model"),
            Column("synthesised for T-", "%"),
            Column("recorded", "%"),
            Column("of these, drawn again", "%"),
        ),
        tuple(rows),
        other.source("contents"),
    )
    items: list[Item] = [table, Text(whose_doing(*found))]
    items += [synthesised_stacks(other, one, "the other state model") for one in other.searched]
    return Section(
        "generator",
        "Is it the agent, or the state model?",
        f"If people are missing from states of which the agent expects little, it may not mind them; or its "
        f"state model cannot draw them near, for where it drove nobody came near. So it {companion.about}.",
        tuple(items),
    )


def whose_doing(own: dict[str, Estimate | None], other: dict[str, Estimate | None]) -> str:
    """Say whose doing it is that people are missing, if that can be told.

    Args:
        own: the shares `synthesised`, `recorded` and `drawn again` through the agent's own state model.
        other: the same through the other one.
    """
    draws, through, known, first = (
        other["drawn again"],
        other["synthesised"],
        other["recorded"],
        own["synthesised"],
    )
    if through is None or known is None:
        return "It cannot be told: no state that was synthesised through the other model passes the checks."
    if through.low > known.high:
        whose = (
            "What its own state model leaves out is that model's doing. " if _is_below(first, through) else ""
        )
        return (
            "It is not the agent's doing: through the other state model, states of which it expects little "
            f"show people in its way more often than recorded states do. {whose}It does expect less where "
            "people are near; whether it acts on it, other chapters tell."
        )
    if draws is None or draws.low < DRAWS:
        return (
            "It cannot be told: it is not shown that the other state model draws at least half of the people "
            "near again."
        )
    if through.high < known.low:
        return (
            "It is the agent's doing: even through a state model that draws people near, states of which it "
            "expects little show them less often than recorded states do."
        )
    return (
        "It cannot be told: through the other state model people are shown neither more nor less often than "
        "in recorded states."
    )


def _is_below(one: Estimate | None, other: Estimate) -> bool:
    return one is not None and one.high < other.low
