"""The chapters of a driving study's page on its companions: experiments 1 and 2 of Sec. 4.7."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from probes.domains.driving_companions import LOW, Companion, Company
from probes.domains.driving_sights import braking_table, roads_table, sights_bars
from probes.domains.study_sections import Shelf, estimate, synthesised_stacks
from probes.domains.study_steps import finding_name
from probes.report.contract import Item, Number, Section, Text

CONTROL = (
    "Whether these shares differ from those of the other agents. What shows as often here comes from the "
    "state model, not from anything that an agent has learned. "
)
PEER = (
    "Whether what this agent expects little of differs from what the studied one does: it learned elsewhere. "
)
STUDIED = "The bars that the agents below are to be compared with. "
REASONS = (
    "Whether cars and people are shown more often where the agent would brake than where it expects much, "
    "and than in recorded states. "
)
PATH = "person within the stopping path"
NOTHING_ASKS = ("without traffic", "empty road, no light")
"""The road and the condition in which nothing asks for braking, as `probes braking` calls them."""


class Asked(NamedTuple):
    """An agent that experiment 2 asked."""

    name: str
    shelf: Shelf
    look_for: str
    has_own_states: bool = True


def companion_shelf(companion: Companion, directory: Path) -> Shelf:
    """Open what a companion's stages wrote into a study's directory."""
    return Shelf(directory, companion.findings, companion.place)


def others_section(shelf: Shelf, agent: str, company: Company) -> Section:
    """Tell what other agents expect little of (experiment 2).

    Args:
        shelf: of the studied agent.
        agent: its name.
        company: who was asked beside it.
    """
    asked = [Asked(agent, shelf, STUDIED)]
    for one in company.asked_low:
        look_for = CONTROL if one.has_random_weights else PEER
        own = companion_shelf(one, shelf.directory)
        asked.append(Asked(one.name, own, look_for, not one.has_random_weights))
    items: list[Item] = [Text("\n\n".join(_who(company)))]
    items += [number for each in asked for number in path_numbers(each)]
    items += [sights_bars(each.shelf, finding_name(LOW), each.look_for, each.name) for each in asked]
    for each in asked[1:]:
        items += [synthesised_stacks(each.shelf, found, each.name) for found in each.shelf.searched]
    return Section(
        "others",
        "The same question asked of others",
        f"States were synthesised for {LOW}, of which an agent expects little, for other agents too. What "
        "differs between agents was learned; what all of them share may come from the state model. Each "
        "stands beside recorded states.",
        tuple(items),
    )


def _who(company: Company) -> list[str]:
    told = [f"{one.name} {one.about}." for one in company.asked_low]
    return told + [_not_asked(one) for one in company.absent if LOW in one.targets]


def _not_asked(companion: Companion) -> str:
    return f"{companion.name} was not asked: no state model is shipped for it."


def path_numbers(asked: Asked) -> list[Number]:
    """Return how many of an agent's T- states, and of the states recorded of it, show whom it could hit."""
    told, source = asked.shelf.result("contents"), asked.shelf.source("contents")
    passed, real = told["targets"][finding_name(LOW)]["passed"], told["real"]
    parts = (
        (f"synthesised for {LOW} of {asked.name}", passed),
        (f"recorded of {asked.name}", real if asked.has_own_states else None),
    )
    return [
        Number(f"{label}: a {PATH}", found, source, "%", "n counts the states")
        for label, part in parts
        if part is not None and (found := estimate(part["shows"][PATH])) is not None
    ]


def empty_road_section(directory: Path, company: Company) -> Section | None:
    """Tell whether an agent brakes where nothing asks for it (experiment 1); None where nobody was asked."""
    items: list[Item] = []
    for one in company.braking:
        shelf = companion_shelf(one, directory)
        items.append(Text(f"{one.name} {one.about}."))
        items += [synthesised_stacks(shelf, found, one.name) for found in shelf.searched]
        items += [sights_bars(shelf, name, REASONS, one.name) for name in one.findings]
        items += [braking_table(shelf, one.name), roads_table(shelf, one.name)]
    items += [Text(_not_asked(one)) for one in company.absent if one.counts_braking]
    if not items:
        return None
    return Section(
        "empty-road",
        "Does it brake on an empty road?",
        "The agent of the method's authors braked on empty roads. Here states were synthesised of which an "
        "agent expects much (V+) and in which it would brake; then it drove, with traffic and on the same "
        "road without.",
        tuple(items),
    )


def braking_headlines(directory: Path, company: Company) -> list[Number]:
    """Return how often each agent of experiment 1 brakes where nothing asks for it.

    By episodes: the interval of decisions, which hang together, is too narrow where the episodes are few.
    """
    numbers = []
    for one in company.braking:
        shelf = companion_shelf(one, directory)
        road, condition = NOTHING_ASKS
        found = estimate(shelf.result("braking")["roads"][road][condition]["episodes"])
        if found is not None:
            label = f"episodes in which {one.name} brakes on an empty road without a light"
            numbers.append(Number(label, found, shelf.source("braking"), "%", "n counts the episodes"))
    return numbers
