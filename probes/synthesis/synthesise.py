"""The search stage's computing part: Algorithm 1 for one target, and the checks of what it found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from probes.agent import NamedAgent
from probes.data.state_set import StateSet
from probes.state_models.state_model import StateModel
from probes.synthesis.finding import Finding
from probes.synthesis.manifold import Limits, RealReference, Verdicts, check
from probes.synthesis.reference import Reference, for_target
from probes.synthesis.round_trip import DEFAULT_PACE, Pace
from probes.synthesis.search import Progress, SearchConfig, search
from probes.synthesis.targets import Target
from probes.synthesis.variety import Variety, variety

LIMITS = Limits()


class Subject(NamedTuple):
    """What is searched, and the real states that findings are held against."""

    model: StateModel
    agent: NamedAgent
    states: StateSet
    reference: Reference


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
    target: Target,
    config: SearchConfig,
    limits: Limits = LIMITS,
    on_step: Callable[[Progress], None] | None = None,
    pace: Pace = DEFAULT_PACE,
) -> Searched:
    """Search for a target and hold what is found against real states.

    Args:
        subject: what is searched.
        target: resolved for its agent.
        config: of the search.
        limits: of the checks.
        on_step: told of each step of the search.
        pace: of the checks; its device is the search's too.

    Raises:
        ProbeError: the search or a check cannot be carried out.
    """
    model, agent, states, reference = subject
    real = for_target(reference, target, agent, states, pace)
    finding = search(model, agent, target, config, real, on_step, pace.device)
    verdicts = check(model, agent, target, real, finding.found(), limits, pace)
    groups = finding.stored, finding.stored[verdicts.passes]
    both = [variety(g, real.stored_extreme, model.layout) if len(g) > 1 else None for g in groups]
    return Searched(target, finding, verdicts, real, limits, *both)


def renamed(searched: Searched, target: Target) -> Searched:
    """Return a search as that for a target of another name whose formula is the same."""
    assert searched.target.used == target.used
    settings = {**searched.finding.settings, "target": target.to_json()}
    return replace(searched, target=target, finding=replace(searched.finding, settings=settings))
