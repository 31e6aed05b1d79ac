"""The page of a driving study: its question, its answer in numbers, and the chapters."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from probes.artifacts import provenance
from probes.domains.driving import DrivingAgent
from probes.domains.driving_cards import agent_cards, model_cards
from probes.domains.driving_chapters import replay_section
from probes.domains.driving_generator import generator_section
from probes.domains.driving_measures import trust_section
from probes.domains.driving_others import braking_headlines, empty_road_section, others_section
from probes.domains.driving_repair_pages import repair_section
from probes.domains.driving_sights import contents_section
from probes.domains.driving_study import StudyConfig, finding_names
from probes.domains.driving_weaknesses import (
    awareness_section,
    return_headlines,
    return_section,
    went_on,
)
from probes.domains.driving_weights import weights_section
from probes.domains.study_baselines import baselines_section, write_baselines
from probes.domains.study_clusters import clusters_section
from probes.domains.study_goggles import goggles_items, measures_section
from probes.domains.study_headlines import played, shared_headlines
from probes.domains.study_question import question_section
from probes.domains.study_sections import Shelf, estimate, findings_section, search_section
from probes.report.contract import Number, Section, Study
from probes.statistics import Estimate


def build_study(
    config: StudyConfig, agent: DrivingAgent, preset: str, directory: Path, seconds: float | None
) -> Study:
    """Read what the stages wrote and compose the page.

    Args:
        config: what was studied.
        agent: that was studied.
        preset: its name.
        directory: of the study.
        seconds: s, that it took; None if that is not known.

    Raises:
        ProbeError: a stage has left nothing, or it is damaged.
    """
    shelf = Shelf(directory, finding_names(config.actions))
    write_baselines(shelf)
    replayed = shelf.result("replay")["summaries"][agent.name]
    adverse = config.scenario_names[:2][-1]
    return Study(
        title=f"What {agent.name} expects, and what happens",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=provenance.command(),
        preset=preset,
        asked=f"An agent learned to drive a car through a simulated town ({agent.scenario}). Which "
        "situations does it hold to be good, bad or critical, and does it see danger where danger is?",
        expects=_expects(shelf),
        happened=_happened(replayed) + (f" {went_on(shelf, adverse)}" if config.returns else ""),
        agents=agent_cards(config, agent),
        models=model_cards(config, directory),
        sections=_sections(shelf, agent, config),
        headlines=(
            *_headlines(shelf, replayed),
            *braking_headlines(directory, config.company),
            *(return_headlines(shelf, adverse) if config.returns else ()),
        ),
        seconds=seconds,
    )


def _sections(shelf: Shelf, agent: DrivingAgent, config: StudyConfig) -> tuple[Section, ...]:
    models = [Path(path) for path in config.models.values()]
    company, empty_road = config.company, empty_road_section(shelf.directory, config.company)
    return (
        question_section(READING),
        findings_section(shelf),
        clusters_section(shelf),
        contents_section(shelf, has_braking=config.amounts.braking_episodes > 0),
        *((others_section(shelf, agent.name, company),) if company.asked_low else ()),
        *((generator_section(shelf, company.other_model),) if company.other_model else ()),
        *((empty_road,) if empty_road else ()),
        search_section(shelf),
        trust_section(shelf, Path(config.model)),
        weights_section(shelf),
        measures_section(shelf, goggles_items(shelf), models, "drive"),
        baselines_section(shelf, "scenes of a street"),
        replay_section(shelf, agent.name),
        *_back_in_the_simulator(shelf, agent, config),
    )


def _back_in_the_simulator(shelf: Shelf, agent: DrivingAgent, config: StudyConfig) -> tuple[Section, ...]:
    """Tell what became of the findings there, where the study has taken them back."""
    if not config.returns:
        return ()
    amounts = config.amounts.returned
    return (
        return_section(shelf, agent.layout, config.scenario_names),
        awareness_section(shelf),
        *((repair_section(shelf),) if amounts and amounts.repair_steps else ()),
    )


READING = (
    "A state is what the agent sees at one moment: a few consecutive pictures in which each pixel names a "
    "class, such as road, car, person or red light. A target is a question put as a number J that the "
    "search raises, such as: of which states does the agent expect little? J is computed from the agent's "
    "own outputs and given in standard deviations of what recorded states show: 1 more is one deviation "
    "more.\n\n"
    "T-, S- and V- ask for states of which the agent expects little, T+, S+ and V+ for those of which it "
    "expects much, T± for those in which one action is good and another bad. The agents here estimate one "
    "value for a state, so that T, S and V are the same search. An action's name asks for states in which "
    "the agent would take it."
)


def _expects(shelf: Shelf) -> str:
    contents = shelf.result("contents")
    told, real = contents["targets"]["t-minus"]["passed"], contents["real"]
    if told is None:
        return "No state that was synthesised for a low value passes the checks."
    shares = ", ".join(
        f"{told['shows'][sight]['value']:.0%} {words} ({real['shows'][sight]['value']:.0%})"
        for sight, words in SIGHTS.items()
    )
    beyond = shelf.result("objective")["targets"]["t-minus"]["passed"]["beyond_99"]
    return (
        f"{told['states']} states that were synthesised for a low expectation pass the checks; in "
        f"{beyond['value']:.0%} of them it expects less than in 99% of the recorded states. So many show, "
        f"in brackets of the recorded states: {shares}."
    )


SIGHTS = {
    "light": "a traffic light",
    "car ahead": "a car ahead",
    "person on the road": "a person on the road",
    "person within the stopping path": "a person within the stopping path",
}
"""What the answer in short names, in words."""


def _happened(replayed: dict[str, Any]) -> str:
    rates = [
        f"{one['value']:.2f} in {name} (95%: {one['low']:.2f} to {one['high']:.2f}; {one['n']} in "
        f"{told['km']:.1f} km)"
        for name, told in replayed.items()
        if (one := told["hits_per_km"]) is not None
    ]
    if not rates:
        return "It did not move, so nothing can be said of hits per km."
    return f"Driving the same seeds in each scenario, it hit so many people per km: {', '.join(rates)}."


def _headlines(shelf: Shelf, replayed: dict[str, Any]) -> tuple[Number, ...]:
    numbers = []
    for scenario, told in replayed.items():
        found = estimate(told["hits_per_km"])
        if found is not None:
            note = f"in {told['km']:.1f} km; n counts the hits"
            label = f"people hit per km in {scenario}"
            numbers.append(Number(label, found, shelf.source("replay"), "per km", note))
    passed = shelf.result("contents")["targets"]["t-minus"]["passed"]
    path = None if passed is None else estimate(passed["shows"]["person within the stopping path"])
    if path is not None:
        label = "states synthesised for T- that show a person within the stopping path"
        numbers.append(Number(label, path, shelf.source("contents"), "%", "of those that pass the checks"))
    return (*numbers, *shared_headlines(shelf, played(shelf)))


def headlines(study: Study) -> dict[str, Any]:
    """Return the study's headline numbers as plain data."""
    return {
        number.label: number.estimate.to_json() if isinstance(number.estimate, Estimate) else number.estimate
        for number in study.headlines
    }
