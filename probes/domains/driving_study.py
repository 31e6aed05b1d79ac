"""The driving study as a list of stages: what is asked of which agent, and how much of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from drivesim.rl.resume import latest_checkpoint
from probes.agent import ProbeError
from probes.study import Step
from probes.synthesis.findings import slug

TARGETS = ("T-", "T+", "T±", "S+", "S-", "V+", "V-", "uncertain", "blind")
"""The seven of the paper, and two of our own; every action follows them."""
DISTRIBUTED = ("t-minus", "t-plus", "t-plus-minus")
"""Targets of Fig. 8, as their directories are named."""


@dataclass(frozen=True)
class Amounts:
    """How much a study computes."""

    fit_states: int
    held_out_states: int
    real_states: int
    """Held-out states that findings are held against."""
    chains: int
    steps: int
    samples: int
    """Of the prior."""
    novelty_samples: int
    """States of each source whose nearest recorded state is sought."""
    ascent_steps: int
    ascent_states: int
    """Of activation maximisation, for each regulariser."""
    goggles_episodes: int
    replay_episodes: int
    braking_episodes: int
    """With traffic and without, the agent's braking being counted; 0 leaves it out."""


PRESETS: dict[str, Amounts] = {
    "smoke": Amounts(2_000, 600, 300, 8, 100, 200, 32, 60, 2, 5, 100, 0),
    "quick": Amounts(10_000, 2_000, 1_000, 32, 300, 2_000, 200, 200, 4, 20, 200, 50),
    "paper": Amounts(10_000, 2_000, 2_000, 64, 500, 2_000, 200, 200, 4, 20, 200, 200),
}
"""`smoke` shows that all of it works, in minutes; `paper` has the paper's numbers where it gives any."""
TRAINING_STEPS = {"smoke": 20_000, "quick": 1_500_000, "paper": 10_000_000}
"""Decisions that an agent learns from when a study begins from scratch."""


SCRATCH_MODELS = ("crisp", "paper")
"""State models that a study from scratch fits."""


@dataclass(frozen=True)
class StudyConfig:
    """What is studied."""

    agent: str
    """A shipped name, a run or a directory."""
    models: dict[str, str]
    """State models for the goggles, by the name of their row; the searched one is `crisp`."""
    scenarios: tuple[str, ...]
    """In which the agent is replayed."""
    amounts: Amounts
    actions: tuple[str, ...]
    seed: int = 0

    @property
    def model(self) -> str:
        """The state model that is searched."""
        if "crisp" not in self.models:
            raise ProbeError(f"--models: found {', '.join(self.models)}; one of them must be named crisp")
        return self.models["crisp"]


def plan(config: StudyConfig, directory: Path) -> list[Step]:
    """List the stages of a study that writes into `directory`."""
    n, agent = config.amounts, ("--agent", config.agent)
    states = ("--states", str(directory / "states"))
    braking = str(n.braking_episodes)
    given = (*agent, "--model", config.model, *states)
    real = ("--real-states", str(n.real_states))
    findings = directory / "findings"

    def into(name: str) -> tuple[str, str]:
        return ("-o", str(directory / name))

    def found(*names: str) -> tuple[str, ...]:
        return tuple(str(findings / name) for name in names)

    return [
        collect_step(config.agent, n, directory),
        Step(
            "synthesise states for every target",
            ("search", *TARGETS, *config.actions, *given, *real, "--chains", str(n.chains), "--steps",
             str(n.steps), "--precision", "bf16", "--seed", str(config.seed), *into("findings")),
        ),
        Step(
            "sample the state model's prior",
            ("samples", *given, *real, "--samples", str(n.samples), *into("samples")),
        ),
        Step(
            "count what the findings show",
            ("contents", *found(*finding_names(config.actions)), *states, *agent, *into("contents")),
        ),
        Step("compare objectives", ("objective", *found(*DISTRIBUTED), *into("objective"))),
        Step(
            "find the nearest recorded states",
            ("novelty", *found(*DISTRIBUTED), str(directory / "samples"), *states, *agent, "--samples",
             str(n.novelty_samples), "--real-states", str(n.novelty_samples), *into("novelty")),
        ),
        Step(
            "maximise activation in pixel space",
            ("activation-max", *found("t-minus"), *given, "--count", str(n.ascent_states), "--steps",
             str(n.ascent_steps), *into("activation-max")),
        ),
        Step(
            "play through the state model",
            ("goggles", *agent, "--models", *(f"{name}={where}" for name, where in config.models.items()),
             "--episodes", str(n.goggles_episodes), *into("goggles")),
        ),
        Step(
            "replay in every scenario",
            ("replay", "--agents", config.agent, "--scenarios", *config.scenarios, "--episodes",
             str(n.replay_episodes), *into("replay")),
        ),
        *(
            [Step("count how often it brakes", ("braking", *agent, "--episodes", braking, *into("braking")))]
            if n.braking_episodes
            else []
        ),
    ]  # fmt: skip


def collect_step(agent: str, amounts: Amounts, directory: Path) -> Step:
    """Return the stage that collects states; the state models are fitted to those that are studied."""
    return Step(
        "collect states",
        ("collect", "--agent", agent, "--fit-states", str(amounts.fit_states), "--held-out-states",
         str(amounts.held_out_states), "-o", str(directory / "states")),
    )  # fmt: skip


def finding_names(actions: tuple[str, ...]) -> tuple[str, ...]:
    """Return the directories of the findings of all targets."""
    return tuple(slug(name, name) for name in TARGETS) + tuple(f"action-{action}" for action in actions)


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
    agent, seeded = str(run), ("--seed", str(seed))
    # A run that has begun is resumed; one that has ended then has nothing left to do.
    resumed = ("--resume",) if latest_checkpoint(run) else ()
    return [
        Step(
            "train the agent",
            ("drivesim", "train", scenario, "--run", os.path.relpath(run, "runs"), "--steps",
             str(TRAINING_STEPS[preset]), "--normalise-advantages", "--entropy", "0.02", *seeded, *resumed),
        ),
        collect_step(agent, PRESETS[preset], directory),
        *(
            Step(
                f"fit the state model {name}",
                ("fit", str(directory / "states"), "--agent", agent, "--model", name, "--preset", preset,
                 *seeded, "-o", str(directory / name)),
            )
            for name in SCRATCH_MODELS
        ),
    ]  # fmt: skip
