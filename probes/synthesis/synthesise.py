"""The search stage's computing part: Algorithm 1, and the checks of what it found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from probes.agent import NamedAgent
from probes.data.state_set import StateSet
from probes.state_models.state_model import StateModel
from probes.synthesis.climb import Progress
from probes.synthesis.finding import Finding
from probes.synthesis.landscape import slices
from probes.synthesis.manifold import CouldBe, Limits, Possible, RealReference, Verdicts, check
from probes.synthesis.reference import Reference, for_target
from probes.synthesis.round_trip import DEFAULT_PACE, Pace
from probes.synthesis.search import Sought, search_all
from probes.synthesis.search_config import SearchConfig
from probes.synthesis.targets import Target
from probes.synthesis.variety import Variety, variety

LIMITS = Limits()
LEAST_POSSIBLE = 0.95
"""Share of the real states that could be by what a domain knows; below, it knows these worlds too little."""


class Subject(NamedTuple):
    """What is searched, and the real states that findings are held against."""

    model: StateModel
    agent: NamedAgent
    states: StateSet
    reference: Reference
    could_be: CouldBe | None = None
    """Where the domain can tell which states could be."""


@dataclass(frozen=True)
class Searched:
    """What a search found and what the checks say of it."""

    target: Target
    finding: Finding
    verdicts: Verdicts
    real: RealReference
    limits: Limits
    variety: Variety | None
    """Of all findings beside real states of high J; None of a single finding."""
    variety_passing: Variety | None
    """Of those that pass; None of fewer than two."""


def synthesise(
    subject: Subject,
    targets: Sequence[Target],
    config: SearchConfig,
    limits: Limits = LIMITS,
    on_step: Callable[[Progress], None] | None = None,
    pace: Pace = DEFAULT_PACE,
    possible: Possible | None = None,
) -> list[Searched]:
    """Search for targets side by side and hold what is found against real states.

    Args:
        subject: what is searched.
        targets: resolved for its agent.
        config: of the searches.
        limits: of the checks.
        on_step: told of each step of each search.
        pace: of the checks; its device is the searches' too.
        possible: as of `possible_of`; nothing is known unless given.

    Raises:
        ProbeError: a search or a check cannot be carried out.
    """
    model, agent, states, reference, _ = subject
    reals = [for_target(reference, target, agent, states, pace) for target in targets]
    sought = [Sought(*pair) for pair in zip(targets, reals, strict=True)]
    could_be = None if possible is None else possible.tell
    findings = search_all(model, agent, sought, config, on_step, pace.device, could_be)

    def checked(target: Target, real: RealReference, finding: Finding) -> Searched:
        verdicts = check(model, agent, target, real, finding.found(), limits, pace, possible)
        groups = finding.stored, finding.stored[verdicts.passes]
        both = [variety(g, real.stored_extreme, model.layout) if len(g) > 1 else None for g in groups]
        return Searched(target, finding, verdicts, real, limits, *both)

    return [checked(*one) for one in zip(targets, reals, findings, strict=True)]


def possible_of(subject: Subject, pace: Pace = DEFAULT_PACE) -> Possible | None:
    """Return what the subject's domain knows of which states could be, if that holds of the real ones."""
    if subject.could_be is None:
        return None
    indices = subject.reference.indices
    parts = [indices[part] for part in slices(len(indices), pace.batch)]
    real = np.concatenate([subject.could_be(subject.states.stored(part)) for part in parts])
    return Possible(subject.could_be, real) if real.mean() >= LEAST_POSSIBLE else None


def renamed(searched: Searched, target: Target) -> Searched:
    """Return a search as that for a target of another name whose formula is the same."""
    assert searched.target.used == target.used
    settings = {**searched.finding.settings, "target": target.to_json()}
    return replace(searched, target=target, finding=replace(searched.finding, settings=settings))
