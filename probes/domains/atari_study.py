"""The study of an Atari agent as a list of stages, and how much of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from probes.domains.seaquest import GAME as SEAQUEST
from probes.domains.study_clusters import clusters_step
from probes.domains.study_steps import (
    SearchAmounts,
    StudyAmounts,
    collect_step,
    comparing_steps,
    finding_name,
    fit_steps,
    goggles_step,
    resumed,
    samples_step,
    search_step,
    searched_model,
)
from probes.study import Step

OF_VALUE = ("V+", "V-")
TARGETS = ("T-", "T+", "T±", "S+", "S-", *OF_VALUE, "uncertain")
"""The seven of the paper, and one of our own; every action follows them."""
GROUPED = ("T-", "T±")
"""Targets whose findings are grouped."""
TRAINING_STEPS = {"smoke": 5_000, "quick": 300_000, "paper": 2_000_000}
"""Decisions that an agent learns from when a study begins from scratch; the last are the paper's."""


@dataclass(frozen=True)
class Amounts(StudyAmounts):
    """How much a study computes."""

    oxygen_episodes: int
    """Of Seaquest, in which deaths are counted, with the oxygen as it is and as many with it kept full."""


PRESETS: dict[str, Amounts] = {
    "smoke": Amounts(SearchAmounts(1_000, 300, 200, 8, 40), 64, 32, 60, 2, 2, 5),
    "quick": Amounts(SearchAmounts(10_000, 2_000, 1_000, 32, 300), 500, 200, 200, 4, 10, 30),
    "paper": Amounts(SearchAmounts(10_000, 2_000, 2_000, 64, 500), 2_000, 200, 200, 4, 20, 100),
}
"""`smoke` shows that all of it works, in minutes; `paper` has the paper's numbers where it gives any.

A game may take thousands of decisions: the goggles of a state model that brings a record are read in `smoke`.
"""


@dataclass(frozen=True)
class StudyConfig:
    """What is studied."""

    agent: str
    """A shipped name, a run, a directory, or an imported agent."""
    game: str
    models: dict[str, str]
    """State models for the goggles, by the name of their row; the searched one is `crisp`."""
    amounts: Amounts
    actions: tuple[str, ...]
    has_critic: bool
    """Whether the agent estimates the value of a state itself; only then is it asked for."""
    seed: int = 0
    has_goggles_record: bool = False
    """Whether the goggles are read from the record that the searched model brings, instead of played."""

    @property
    def targets(self) -> tuple[str, ...]:
        """What is searched for."""
        general = (target for target in TARGETS if self.has_critic or target not in OF_VALUE)
        return (*general, *self.actions)

    @property
    def has_oxygen(self) -> bool:
        """Whether the game is one in which deaths by want of oxygen are counted."""
        return self.game == SEAQUEST

    @property
    def model(self) -> str:
        """The state model that is searched."""
        return searched_model(self.models)

    @property
    def findings(self) -> tuple[str, ...]:
        """The directories of the findings of all targets."""
        return tuple(finding_name(target) for target in self.targets)


def plan(config: StudyConfig, directory: Path) -> list[Step]:
    """List the stages of a study that writes into `directory`."""
    n, states = config.amounts, directory / "states"
    player = ("--agent", config.agent, "--game", config.game)
    given = (*player, "--model", config.model, "--states", str(states))
    goggles = goggles_step(player, config.models, n.goggles_episodes, directory)
    return [
        collect_step(config.agent, n.own, states, config.game),
        search_step(config.targets, given, n.own, config.seed, directory / "findings"),
        samples_step(given, n.samples, directory),
        clusters_step(GROUPED, player, directory),
        *comparing_steps(player, given, n, directory),
        *([] if config.has_goggles_record else [goggles]),
        *([oxygen_step(config, player, directory)] if config.has_oxygen else []),
    ]


def oxygen_step(config: StudyConfig, player: tuple[str, ...], directory: Path) -> Step:
    """Return the stage that counts what a Seaquest agent dies of, and states with low oxygen.

    Args:
        config: what is studied.
        player: the options that name the agent.
        directory: of the study.
    """
    found = [str(directory / "findings" / name) for name in config.findings]
    return Step(
        "count what it dies of, and states with low oxygen",
        ("oxygen", *found, *player, "--states", str(directory / "states"), "--episodes",
         str(config.amounts.oxygen_episodes), "-o", str(directory / "oxygen")),
    )  # fmt: skip


def scratch_agent(game: str, directory: Path) -> Path:
    """Return the run of the agent that a study from scratch trains; its last part names the agent."""
    return directory / f"{game}-from-scratch"


def scratch_steps(preset: str, game: str, directory: Path, seed: int = 0) -> list[Step]:
    """List the stages that make an agent and its state models from nothing.

    Args:
        preset: of `PRESETS`.
        game: that is learned.
        directory: of the study.
        seed: of training and fitting.
    """
    run = scratch_agent(game, directory)
    agent, steps = str(run), TRAINING_STEPS[preset]
    short = ("--epsilon-steps", str(steps // 5), "--learning-starts", str(min(20_000, steps // 20)))
    return [
        Step(
            "train the agent",
            ("train", f"atari:{game}", "--steps", str(steps), *short, "--seed", str(seed), *resumed(run),
             "-o", agent),
        ),
        collect_step(agent, PRESETS[preset].own, directory / "states"),
        *fit_steps(agent, preset, seed, directory),
    ]  # fmt: skip
