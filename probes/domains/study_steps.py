"""Stages of which a study has several: of the studied agent, and of those asked beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drivesim.rl.resume import latest_checkpoint
from probes.agent import ProbeError
from probes.study import Step
from probes.synthesis.findings import slug
from probes.synthesis.search_config import DEFAULT
from probes.synthesis.targets import ACTION_PREFIX, TARGETS

DISTRIBUTED = ("t-minus", "t-plus", "t-plus-minus")
"""Targets of Fig. 8, as their directories are named."""
SCRATCH_MODELS = ("crisp", "paper")
"""State models that a study from scratch fits."""
LEAST_BATCH = 8
"""Chains: fewer at once take as long."""
LATENTS = "crisp-latents"
"""Where it keeps the crisp one before its prior is fitted."""


@dataclass(frozen=True)
class SearchAmounts:
    """How much is collected and searched."""

    fit_states: int
    held_out_states: int
    real_states: int
    """Held-out states that findings are held against."""
    chains: int
    steps: int


@dataclass(frozen=True)
class StudyAmounts:
    """How much a study computes of the studied agent, whatever it acts in."""

    own: SearchAmounts
    samples: int
    """Of the prior."""
    novelty_samples: int
    """States of each source whose nearest recorded state is sought."""
    ascent_steps: int
    ascent_states: int
    """Of activation maximisation, for each regulariser."""
    goggles_episodes: int


def searched_model(models: Mapping[str, str]) -> str:
    """Return the state model that is searched: the one whose row of the goggles' table is `crisp`.

    Raises:
        ProbeError: none is called so.
    """
    if "crisp" not in models:
        raise ProbeError(f"--models: found {', '.join(models)}; one of them must be named crisp")
    return models["crisp"]


def collect_step(
    agent: str, amounts: SearchAmounts, place: Path, game: str | None = None, scenario: str | None = None
) -> Step:
    """Return the stage that collects states into `place`.

    Args:
        agent: who plays.
        amounts: how much.
        place: of the states.
        game: of an Atari agent.
        scenario: of one that drives; where it learned unless given.
    """
    where = (*(("--game", game) if game else ()), *(("--scenario", scenario) if scenario else ()))
    return Step(
        "collect states",
        ("collect", "--agent", agent, *where, "--fit-states",
         str(amounts.fit_states), "--held-out-states", str(amounts.held_out_states), "-o", str(place)),
    )  # fmt: skip


def search_step(
    targets: Sequence[str], given: tuple[str, ...], amounts: SearchAmounts, seed: int, place: Path
) -> Step:
    """Return the stage that synthesises states.

    Args:
        targets: by name.
        given: the options that name the agent, the state model and the states.
        amounts: how much.
        seed: of the search.
        place: of the findings, a directory for each target.
    """
    # Several targets share the cores, a part of chains each; a lone one is cut in two for them.
    batch = DEFAULT.batch if len(targets) > 1 else max(LEAST_BATCH, amounts.chains // 2)
    return Step(
        "synthesise states for every target",
        ("search", *targets, *given, "--real-states", str(amounts.real_states), "--chains",
         str(amounts.chains), "--steps", str(amounts.steps), "--batch", str(min(batch, DEFAULT.batch)),
         "--precision", "bf16", "--seed", str(seed), "-o", str(place)),
    )  # fmt: skip


def contents_step(
    findings: Sequence[str], agent: str, states: Path, place: Path, model: str | None = None
) -> Step:
    """Return the stage that counts what findings show; the agent's scenario has the camera.

    With a state model it also counts how many of the recorded people near the ego that one draws again.
    """
    asked = ("--model", model) if model else ()
    return Step(
        "count what the findings show",
        ("contents", *findings, "--states", str(states), "--agent", agent, *asked, "-o", str(place)),
    )


def braking_step(agent: str, episodes: int, place: Path) -> Step:
    """Return the stage that counts how often an agent brakes, with traffic and without."""
    words = ("braking", "--agent", agent, "--episodes", str(episodes), "-o", str(place))
    return Step("count how often it brakes", words)


def finding_name(target: str) -> str:
    """Return how the directory of a target's findings is called; what is no target is an action."""
    return slug(target, target if target in TARGETS else f"{ACTION_PREFIX}{target}")


def samples_step(given: tuple[str, ...], samples: int, directory: Path) -> Step:
    """Return the stage that samples the prior, for the study in `directory`."""
    words = ("samples", *given, "--samples", str(samples), "-o", str(directory / "samples"))
    return Step("sample the state model's prior", words)


def comparing_steps(
    player: tuple[str, ...], given: tuple[str, ...], amounts: StudyAmounts, directory: Path
) -> list[Step]:
    """List the stages that hold findings against recorded states, and against other ways to make states.

    Args:
        player: the options that name the agent.
        given: those that name the agent, the state model and the states.
        amounts: how much.
        directory: of the study.
    """
    findings, novelty = directory / "findings", str(amounts.novelty_samples)
    found = [str(findings / name) for name in DISTRIBUTED]
    return [
        Step("compare objectives", ("objective", *found, "-o", str(directory / "objective"))),
        Step(
            "find the nearest recorded states",
            ("novelty", *found, str(directory / "samples"), "--states", str(directory / "states"), *player,
             "--samples", novelty, "--real-states", novelty, "-o", str(directory / "novelty")),
        ),
        Step(
            "maximise activation in pixel space",
            ("activation-max", str(findings / "t-minus"), *given, "--count", str(amounts.ascent_states),
             "--steps", str(amounts.ascent_steps), "-o", str(directory / "activation-max")),
        ),
    ]  # fmt: skip


def goggles_step(player: tuple[str, ...], models: Mapping[str, str], episodes: int, directory: Path) -> Step:
    """Return the stage in which the agent plays through each state model, by the name of its row."""
    named = [f"{name}={where}" for name, where in models.items()]
    return Step(
        "play through the state model",
        ("goggles", *player, "--models", *named, "--episodes", str(episodes),
         "-o", str(directory / "goggles")),
    )  # fmt: skip


def resumed(run: Path) -> tuple[str, ...]:
    """Return the option by which a run that has begun goes on; of one that has ended nothing is left."""
    return ("--resume",) if latest_checkpoint(run) else ()


def fit_steps(agent: str, preset: str, seed: int, directory: Path) -> list[Step]:
    """List the stages that fit the state models of a study from scratch: the crisp one in two parts."""
    latents = directory / LATENTS

    def fit(model: str, place: Path) -> tuple[str, ...]:
        return ("fit", str(directory / "states"), "--agent", agent, "--model", model, "--preset", preset,
                "--seed", str(seed), "-o", str(place))  # fmt: skip

    return [
        Step("fit the state model crisp", fit("crisp", latents)),
        Step(
            "fit the prior of crisp",
            (*fit("crisp", directory / "crisp"), "--part", "prior", "--init", str(latents)),
        ),
        Step("fit the state model paper", fit("paper", directory / "paper")),
    ]
