"""The driving study as a list of stages: what is asked of which agent, and how much of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from probes.domains.driving_companions import LIKELY, Company, company_steps
from probes.domains.driving_replay import load_scenario
from probes.domains.model_records import records
from probes.domains.study_clusters import clusters_step
from probes.domains.study_steps import (
    SearchAmounts,
    StudyAmounts,
    braking_step,
    collect_step,
    comparing_steps,
    contents_step,
    finding_name,
    fit_steps,
    goggles_step,
    resumed,
    samples_step,
    search_step,
    searched_model,
)
from probes.study import Step

TARGETS = ("T-", "T+", "T±", "S+", "S-", "V+", "V-", "uncertain", "blind")
"""The seven of the paper, and two of our own; every action follows them."""

RETURNED = ("T-", "brake", "blind")
"""Targets whose findings are taken back into the simulator."""
GROUPED = ("T-", "blind")
"""Targets whose findings are grouped."""


@dataclass(frozen=True)
class ReturnAmounts:
    """How much is done with findings in the simulator."""

    findings: int
    """Of each target, that are taken back to towns."""
    random_moments: int
    """Recorded ones, to set beside them."""
    drives: int
    """From each moment."""
    awareness_episodes: int
    films: int = 1
    """Worst hits of each target."""
    repair_steps: int = 0
    """Decisions that the agent learns from, trained on with what was found; 0 leaves it out."""
    repair_episodes: int = 50
    """In each found scenario, before and after."""


@dataclass(frozen=True)
class Amounts(StudyAmounts):
    """How much a study computes."""

    replay_episodes: int
    braking_episodes: int
    """With traffic and without, the agent's braking being counted; 0 leaves it out."""
    others: SearchAmounts
    """Of each companion."""
    others_braking_episodes: int
    returned: ReturnAmounts | None = None
    asks_other_model: bool = True
    """Whether the agent is searched through another state model, too."""
    plays_all: bool = True
    """Whether the agent plays through every state model, or, beside the searched one, only through those that
    bring no record of it."""


PRESETS: dict[str, Amounts] = {
    "smoke": Amounts(
        SearchAmounts(2_000, 600, 300, 8, 100), 200, 32, 60, 2, 5, 40, 0,
        SearchAmounts(1_000, 400, 200, 8, 40), 2, ReturnAmounts(2, 8, 2, 16, films=0), asks_other_model=False,
        plays_all=False,
    ),
    "quick": Amounts(
        SearchAmounts(10_000, 2_000, 1_000, 32, 300), 2_000, 200, 200, 4, 20, 200, 50,
        SearchAmounts(2_000, 2_000, 1_000, 32, 300), 50, ReturnAmounts(8, 40, 8, 128, repair_steps=400_000),
    ),
    "paper": Amounts(
        SearchAmounts(10_000, 2_000, 2_000, 64, 500), 2_000, 200, 200, 4, 20, 200, 200,
        SearchAmounts(2_000, 2_000, 2_000, 64, 500), 200,
        ReturnAmounts(32, 96, 16, 256, repair_steps=2_000_000),
    ),
}  # fmt: skip
"""`smoke` shows that all of it works, in minutes; `paper` has the paper's numbers where it gives any.

No model is fitted to a companion's states: those not held out only give the spread of its outputs.
"""
TRAINING_STEPS = {"smoke": 20_000, "quick": 1_000_000, "paper": 10_000_000}
"""Decisions that an agent learns from when a study begins from scratch."""


@dataclass(frozen=True)
class StudyConfig:
    """What is studied."""

    agent: str
    """A shipped name, a run or a directory."""
    models: dict[str, str]
    """State models for the goggles, by the name of their row; the searched one is `crisp`."""
    scenarios: tuple[str, ...]
    """In which the agent is replayed: shipped names or paths."""
    amounts: Amounts
    actions: tuple[str, ...]
    seed: int = 0
    company: Company = field(default_factory=Company)

    @property
    def model(self) -> str:
        """The state model that is searched."""
        return searched_model(self.models)

    @property
    def scenario_names(self) -> tuple[str, ...]:
        """What the scenarios are called, which may be given as files."""
        return tuple(load_scenario(given).name for given in self.scenarios)

    @property
    def returns(self) -> bool:
        """Whether findings are taken back into the simulator."""
        return self.amounts.returned is not None and len(self.scenarios) > 1

    @property
    def played(self) -> dict[str, str]:
        """The state models that the agent plays through."""
        return {
            name: path
            for name, path in self.models.items()
            if self.amounts.plays_all or path == self.model or not records(Path(path), "goggles")
        }


def plan(config: StudyConfig, directory: Path) -> list[Step]:
    """List the stages of a study that writes into `directory`."""
    n = config.amounts
    return [
        collect_step(config.agent, n.own, directory / "states"),
        *_finding_steps(config, directory),
        *comparing_steps(("--agent", config.agent), _given(config, directory), n, directory),
        *_driving_steps(config, directory),
        *_return_steps(config, directory),
        *company_steps(config.company, n.others, n.others_braking_episodes, config.seed, directory),
    ]


def _finding_steps(config: StudyConfig, directory: Path) -> list[Step]:
    """List the stages that make states and say what they show."""
    n, findings, states = config.amounts, directory / "findings", directory / "states"
    given, real = _given(config, directory), ("--real-states", str(n.own.real_states))
    names = [str(findings / name) for name in finding_names(config.actions)]
    return [
        search_step((*TARGETS, *config.actions), (*given, *LIKELY), n.own, config.seed, findings),
        samples_step((*given, *real), n.samples, directory),
        contents_step(
            names,
            config.agent,
            states,
            directory / "contents",
            config.model if config.company.other_model else None,
        ),
        clusters_step(GROUPED, ("--agent", config.agent), directory),
    ]


def _driving_steps(config: StudyConfig, directory: Path) -> list[Step]:
    """List the stages in which the agent drives."""
    n, agent = config.amounts, config.agent
    steps = [
        goggles_step(("--agent", agent), config.played, n.goggles_episodes, directory),
        Step(
            "replay in every scenario",
            ("replay", "--agents", agent, "--scenarios", *config.scenarios, "--episodes",
             str(n.replay_episodes), "-o", str(directory / "replay")),
        ),
    ]  # fmt: skip
    if n.braking_episodes:
        steps.append(braking_step(agent, n.braking_episodes, directory / "braking"))
    return steps


def _return_steps(config: StudyConfig, directory: Path) -> list[Step]:
    """List the stages that take findings back into the simulator, and that ask whom the agent minds."""
    n = config.amounts.returned
    if n is None or not config.returns:
        return []
    names = [finding_name(target) for target in RETURNED if target in (*TARGETS, *config.actions)]
    findings = [str(directory / "findings" / name) for name in names]
    agent, states = ("--agent", config.agent), ("--states", str(directory / "states"))
    realized, moments = directory / "realized", directory / "moments"
    repair = Step(
        "train on with what was found",
        ("repair", str(moments), *agent, "--scenarios", *config.scenarios[:2], "--steps",
         str(n.repair_steps), "--episodes", str(n.repair_episodes), "--training-seed", str(config.seed),
         "-o", str(directory / "repair")),
    )  # fmt: skip
    return [
        Step(
            "find the towns that findings show",
            ("realize", *findings, *states, *agent, "--most", str(n.findings), "-o", str(realized)),
        ),
        Step(
            "drive on from there",
            ("replay-moments", str(realized), *states, *agent, "--scenarios", *config.scenarios[:2],
             "--random", str(n.random_moments), "--drives", str(n.drives), "--films",
             str(n.films), "-o", str(moments)),
        ),
        *([repair] if n.repair_steps else []),
        Step(
            "ask whether it minds people",
            ("awareness", config.agent, "--episodes", str(n.awareness_episodes),
             "-o", str(directory / "awareness")),
        ),
    ]  # fmt: skip


def _given(config: StudyConfig, directory: Path) -> tuple[str, ...]:
    return ("--agent", config.agent, "--model", config.model, "--states", str(directory / "states"))


def finding_names(actions: tuple[str, ...]) -> tuple[str, ...]:
    """Return the directories of the findings of all targets."""
    return tuple(finding_name(target) for target in (*TARGETS, *actions))


def scratch_agent(scenario: str, directory: Path) -> Path:
    """Return the run of the agent that a study from scratch trains; its last part names the agent."""
    return directory / f"{Path(scenario).stem}-from-scratch"


def scratch_steps(preset: str, scenario: str, directory: Path, seed: int = 0) -> list[Step]:
    """List the stages that make an agent and its state models from nothing.

    Args:
        preset: of `PRESETS`.
        scenario: in which the agent learns.
        directory: of the study.
        seed: of training and fitting.
    """
    run = scratch_agent(scenario, directory)
    agent = str(run)
    return [
        Step(
            "train the agent",
            ("drivesim", "train", scenario, "--run", os.path.relpath(run, "runs"), "--steps",
             str(TRAINING_STEPS[preset]), "--normalise-advantages", "--entropy", "0.02", "--seed", str(seed),
             *resumed(run)),
        ),
        collect_step(agent, PRESETS[preset].own, directory / "states"),
        *fit_steps(agent, preset, seed, directory),
    ]  # fmt: skip
