"""Agents that a driving study asks beside the studied one (experiments 1 and 2 of Sec. 4.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from probes.domains.study_steps import (
    SearchAmounts,
    braking_step,
    collect_step,
    contents_step,
    finding_name,
    search_step,
)
from probes.study import Step

OTHERS = "others"
"""Directory of a study below which each companion has its own."""
LIKELY = ("--quantile", "0.1")
"""Of searches in driving. What is found is to be a town's picture: the likelier it is, the fewer pieces of a
few pixels it has that no town shows, and it is as high in J."""
RANDOM_SEED = 0
"""Of the weights of the agent that has learned nothing."""


@dataclass(frozen=True)
class Companion:
    """An agent that is asked beside the studied one."""

    name: str
    """As its directory is called."""
    agent: str
    about: str
    """Who it is, in words that follow its name."""
    targets: tuple[str, ...]
    model: str
    """The state model that is searched: a shipped name or a path."""
    has_random_weights: bool = False
    """Whether it is the studied agent's network having learned nothing; it shares that one's states."""
    counts_braking: bool = False
    """Whether its braking on the road is counted."""
    scenario: str | None = None
    """Where its states are collected; where it learned unless given."""
    checks_model: bool = False
    """Whether it asks if what its findings lack is the state model's doing, which is then checked."""

    @property
    def place(self) -> str:
        """Its directory, relative to the study's."""
        return f"{OTHERS}/{self.name}"

    @property
    def findings(self) -> tuple[str, ...]:
        """The directories of its findings."""
        return tuple(finding_name(target) for target in self.targets)


LOW = "T-"
"""What experiment 2 asks of every agent."""
PEERS = (
    Companion(
        "distracted-seg4",
        "distracted-seg4",
        "learned among people who are absorbed in a phone and step off without a look",
        (LOW, "brake"),
        "distracted-seg4-crisp",
    ),
    Companion(
        "mixed-full8",
        "mixed-full8",
        "learned among people some of whom are distracted, and sees eight frames of distance, classes and "
        "brightness",
        ("V+", "brake"),
        "mixed-full8-crisp",
        counts_braking=True,
    ),
)
"""Of the experiments' first agent, where state models for them are shipped."""
PEERS_OF = "reasonable-seg4"
OTHER_MODEL = Companion(
    "other-state-model",
    PEERS_OF,
    "is the studied agent itself among people who do not look, its states searched through a state model "
    "that was fitted where people come near",
    (LOW,),
    "distracted-seg4-crisp",
    scenario="distracted",
    checks_model=True,
)
"""Tells whether people are missing from T- states because the agent does not mind them, or because its own
state model has not seen them near."""


@dataclass(frozen=True)
class Company:
    """Who is asked beside the studied agent."""

    present: tuple[Companion, ...] = ()
    absent: tuple[Companion, ...] = ()
    """Those who would be, had their state models been shipped."""

    @property
    def peers(self) -> tuple[Companion, ...]:
        """Those that have learned something."""
        return tuple(one for one in self.present if not (one.has_random_weights or one.checks_model))

    @property
    def asked_low(self) -> tuple[Companion, ...]:
        """Those of experiment 2."""
        return tuple(one for one in self.present if LOW in one.targets and not one.checks_model)

    @property
    def other_model(self) -> Companion | None:
        """The studied agent, searched through another state model."""
        return next((one for one in self.present if one.checks_model), None)

    @property
    def braking(self) -> tuple[Companion, ...]:
        """Those of experiment 1."""
        return tuple(one for one in self.present if one.counts_braking)


def random_companion(agent: str, model: str) -> Companion:
    """Return the negative control of an agent, given by its name and its state model."""
    about = (
        "is the studied agent's network with random weights: it has learned nothing, and shares that "
        "agent's states and state model"
    )
    return Companion("random-weights", agent, about, (LOW,), model, has_random_weights=True)


def choose_company(
    name: str, agent: str, model: str, shipped: Sequence[str], asks_other_model: bool = False
) -> Company:
    """Choose who is asked beside an agent.

    Args:
        name: of the studied one.
        agent: the same as a command takes it, a path it may be.
        model: its state model.
        shipped: names of the state models that come with the package.
        asks_other_model: whether the studied one is searched through another state model too.
    """
    peers = PEERS if name == PEERS_OF else ()
    present = tuple(one for one in peers if one.model in shipped)
    absent = tuple(one for one in peers if one not in present)
    again = (OTHER_MODEL,) if asks_other_model and peers and OTHER_MODEL.model in shipped else ()
    return Company((*present, *again, random_companion(agent, model)), absent)


def company_steps(
    company: Company, amounts: SearchAmounts, braking_episodes: int, seed: int, directory: Path
) -> list[Step]:
    """List the stages of all companions of a study that writes into `directory`."""
    steps = []
    for one in company.present:
        if one.has_random_weights:
            stages = random_steps(one, amounts, seed, directory)
        else:
            stages = peer_steps(one, amounts, braking_episodes, seed, directory)
        steps += [replace(step, title=f"{one.name}: {step.title}") for step in stages]
    return steps


def random_steps(companion: Companion, amounts: SearchAmounts, seed: int, directory: Path) -> list[Step]:
    """List the stages of an agent with random weights; the studied agent's states are there already."""
    states, place = directory / "states", directory / companion.place
    given = (*_given(companion, states), *LIKELY, "--random-weights", str(RANDOM_SEED))
    return [
        search_step(companion.targets, given, amounts, seed, place / "findings"),
        contents_step(_found(companion, place), companion.agent, states, place / "contents"),
    ]


def peer_steps(
    companion: Companion, amounts: SearchAmounts, braking_episodes: int, seed: int, directory: Path
) -> list[Step]:
    """List the stages of an agent with states and a state model of its own."""
    place = directory / companion.place
    states = place / "states"
    given = (*_given(companion, states), *LIKELY)
    steps = [
        collect_step(companion.agent, amounts, states, scenario=companion.scenario),
        search_step(companion.targets, given, amounts, seed, place / "findings"),
        contents_step(
            _found(companion, place),
            companion.agent,
            states,
            place / "contents",
            companion.model if companion.checks_model else None,
        ),
    ]
    if companion.counts_braking:
        steps.append(braking_step(companion.agent, braking_episodes, place / "braking"))
    return steps


def _given(companion: Companion, states: Path) -> tuple[str, ...]:
    return ("--agent", companion.agent, "--model", companion.model, "--states", str(states))


def _found(companion: Companion, place: Path) -> tuple[str, ...]:
    return tuple(str(place / "findings" / name) for name in companion.findings)
