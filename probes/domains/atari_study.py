"""The study of an Atari agent as a list of stages, and how much of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from drivesim.rl.resume import latest_checkpoint
from probes.agent import ProbeError
from probes.domains.study_steps import DISTRIBUTED, SearchAmounts, collect_step, finding_name, search_step
from probes.study import Step

TARGETS = ("T-", "T+", "T±", "S+", "S-", "V+", "V-", "uncertain")
"""The seven of the paper, and one of our own; every action follows them."""
SCRATCH_MODELS = ("crisp", "paper")
"""State models that a study from scratch fits."""
TRAINING_STEPS = {"smoke": 5_000, "quick": 300_000, "paper": 2_000_000}
"""Decisions that an agent learns from when a study begins from scratch; the last are the paper's."""


@dataclass(frozen=True)
class Amounts:
    """How much a study computes."""

    own: SearchAmounts
    samples: int
    """Of the prior, drawn to be looked at."""
    novelty_samples: int
    """States of each source whose nearest recorded state is sought."""
    ascent_steps: int
    ascent_states: int
    """Of activation maximisation, for each regulariser."""
    goggles_episodes: int


PRESETS: dict[str, Amounts] = {
    "smoke": Amounts(SearchAmounts(2_000, 600, 300, 8, 100), 64, 32, 60, 2, 2),
    "quick": Amounts(SearchAmounts(10_000, 2_000, 1_000, 32, 300), 500, 200, 200, 4, 10),
    "paper": Amounts(SearchAmounts(10_000, 2_000, 2_000, 64, 500), 2_000, 200, 200, 4, 20),
}
"""`smoke` shows that all of it works, in minutes; `paper` has the paper's numbers where it gives any."""


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
    seed: int = 0

    @property
    def model(self) -> str:
        """The state model that is searched."""
        if "crisp" not in self.models:
            raise ProbeError(f"--models: found {', '.join(self.models)}; one of them must be named crisp")
        return self.models["crisp"]

    @property
    def findings(self) -> tuple[str, ...]:
        """The directories of the findings of all targets."""
        return tuple(finding_name(target) for target in (*TARGETS, *self.actions))


def plan(config: StudyConfig, directory: Path) -> list[Step]:
    """List the stages of a study that writes into `directory`."""
    n, states, findings = config.amounts, directory / "states", directory / "findings"
    player = ("--agent", config.agent, "--game", config.game)
    given = (*player, "--model", config.model, "--states", str(states))
    found = [str(findings / name) for name in DISTRIBUTED]
    novelty = str(n.novelty_samples)
    models = [f"{name}={where}" for name, where in config.models.items()]
    return [
        collect_step(config.agent, n.own, states, config.game),
        search_step((*TARGETS, *config.actions), given, n.own, config.seed, findings),
        Step(
            "sample the state model's prior",
            ("samples", *given, "--samples", str(n.samples), "-o", str(directory / "samples")),
        ),
        Step("compare objectives", ("objective", *found, "-o", str(directory / "objective"))),
        Step(
            "find the nearest recorded states",
            ("novelty", *found, str(directory / "samples"), "--states", str(states), *player,
             "--samples", novelty, "--real-states", novelty, "-o", str(directory / "novelty")),
        ),
        Step(
            "maximise activation in pixel space",
            ("activation-max", str(findings / "t-minus"), *given, "--count", str(n.ascent_states),
             "--steps", str(n.ascent_steps), "-o", str(directory / "activation-max")),
        ),
        Step(
            "play through the state model",
            ("goggles", *player, "--models", *models, "--episodes", str(n.goggles_episodes),
             "-o", str(directory / "goggles")),
        ),
    ]  # fmt: skip


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
    agent, seeded = str(run), ("--seed", str(seed))
    # A run that has begun is resumed; one that has ended then has nothing left to do.
    resumed = ("--resume",) if latest_checkpoint(run) else ()
    steps = TRAINING_STEPS[preset]
    short = ("--epsilon-steps", str(steps // 5), "--learning-starts", str(min(20_000, steps // 20)))
    fits = (
        Step(
            f"fit the state model {name}",
            ("fit", str(directory / "states"), "--agent", agent, "--model", name, "--preset", preset,
             *seeded, "-o", str(directory / name)),
        )
        for name in SCRATCH_MODELS
    )  # fmt: skip
    return [
        Step(
            "train the agent",
            ("train", f"atari:{game}", "--steps", str(steps), *short, *seeded, *resumed, "-o", agent),
        ),
        collect_step(agent, PRESETS[preset].own, directory / "states"),
        *fits,
    ]
