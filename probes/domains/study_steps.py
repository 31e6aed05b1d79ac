"""Stages of which a study has several: of the studied agent, and of those asked beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from probes.study import Step
from probes.synthesis.findings import slug
from probes.synthesis.targets import ACTION_PREFIX, TARGETS

DISTRIBUTED = ("t-minus", "t-plus", "t-plus-minus")
"""Targets of Fig. 8, as their directories are named."""


@dataclass(frozen=True)
class SearchAmounts:
    """How much is collected and searched."""

    fit_states: int
    held_out_states: int
    real_states: int
    """Held-out states that findings are held against."""
    chains: int
    steps: int


def collect_step(agent: str, amounts: SearchAmounts, place: Path, game: str | None = None) -> Step:
    """Return the stage that collects states into `place`; of an Atari agent, as it plays `game`."""
    return Step(
        "collect states",
        ("collect", "--agent", agent, *(("--game", game) if game else ()), "--fit-states",
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
    return Step(
        "synthesise states for every target",
        ("search", *targets, *given, "--real-states", str(amounts.real_states), "--chains",
         str(amounts.chains), "--steps", str(amounts.steps), "--precision", "bf16", "--seed", str(seed),
         "-o", str(place)),
    )  # fmt: skip


def contents_step(findings: Sequence[str], agent: str, states: Path, place: Path) -> Step:
    """Return the stage that counts what findings show; the agent's scenario has the camera."""
    return Step(
        "count what the findings show",
        ("contents", *findings, "--states", str(states), "--agent", agent, "-o", str(place)),
    )


def braking_step(agent: str, episodes: int, place: Path) -> Step:
    """Return the stage that counts how often an agent brakes, with traffic and without."""
    words = ("braking", "--agent", agent, "--episodes", str(episodes), "-o", str(place))
    return Step("count how often it brakes", words)


def finding_name(target: str) -> str:
    """Return how the directory of a target's findings is called; what is no target is an action."""
    return slug(target, target if target in TARGETS else f"{ACTION_PREFIX}{target}")
