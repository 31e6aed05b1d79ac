"""The gallery of the paper's figures (Fig. 1 and the appendix) as a list of stages, alike for all games."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from probes.agent import ProbeError
from probes.domains.atari_games import FIGURES, GameFigure, GameList
from probes.domains.study_steps import SearchAmounts, collect_step, search_step
from probes.study import Step
from probes.synthesis.findings import slug

SHOWN = 4
"""States of each figure that are shown, as in the paper: drawn at random, not the best."""
FIT_STATES, HELD_OUT_STATES = 100, 400
"""States of each game that are collected if none are given; findings are held against the latter."""
COLLECTED_OVER = ("--worlds", "10", "--spacing", "20")
"""In few worlds and far apart: so few states of 50 worlds would show the beginnings of games alone."""


@dataclass(frozen=True)
class Entry:
    """What a game of the gallery is made with."""

    agent: str
    """As `probes.domains.registry.load_agent` takes it."""
    model: str
    """Where its state model lies."""
    states: Path | None = None
    """Recorded states; None has them collected."""


@dataclass(frozen=True)
class GalleryConfig:
    """What is shown, by one setting for all games."""

    listed: GameList
    entries: Mapping[str, Entry]
    """By game; the others are skipped."""
    lacking: Mapping[str, str]
    """Of those others, why."""
    chains: int = 16
    """Of each search."""
    steps: int = 300
    seed: int = 0
    """Of the searches, and of which chains are shown."""

    def __post_init__(self) -> None:
        if self.chains < SHOWN:
            raise ProbeError(f"chains: found {self.chains}, allowed are {SHOWN} and more: so many are shown")

    @property
    def shown(self) -> tuple[GameFigure, ...]:
        """The figures that are made, in the paper's order."""
        return tuple(figure for figure in self.listed.figures if figure.game in self.entries)

    @property
    def skipped(self) -> tuple[GameFigure, ...]:
        """Those that are not, in the same order."""
        return tuple(figure for figure in self.listed.figures if figure.game not in self.entries)


def plan(config: GalleryConfig, directory: Path) -> list[Step]:
    """List the stages of a gallery that writes into `directory`, game by game."""
    return [step for game in config.entries for step in _stages(config, game, directory / game)]


def _stages(config: GalleryConfig, game: str, place: Path) -> list[Step]:
    """List the stages of one game: all its targets are searched for at once."""
    entry = config.entries[game]
    states = entry.states or place / "states"
    amounts = SearchAmounts(FIT_STATES, HELD_OUT_STATES, HELD_OUT_STATES, config.chains, config.steps)
    given = ("--agent", entry.agent, "--game", game, "--model", entry.model, "--states", str(states))
    targets = dict.fromkeys(figure.target for figure in config.listed.figures if figure.game == game)
    steps = [search_step(tuple(targets), given, amounts, config.seed, place / "findings")]
    if entry.states is None:
        collecting = collect_step(entry.agent, amounts, states, game)
        steps.insert(0, replace(collecting, words=(*collecting.words, *COLLECTED_OVER)))
    return [replace(step, title=f"{game}: {step.title}") for step in steps]


def findings_of(figure: GameFigure) -> str:
    """Return where the findings of a figure lie, relative to the gallery's directory."""
    return f"{figure.game}/findings/{slug(figure.target, figure.target)}"


def draw_chains(figure: GameFigure, chains: int, seed: int) -> tuple[int, ...]:
    """Draw the chains that a figure shows, whatever they found.

    Args:
        figure: of the paper; each has draws of its own.
        chains: of the search.
        seed: of the gallery.
    """
    generator = np.random.default_rng([seed, FIGURES.index(figure.figure)])
    return tuple(sorted(int(chain) for chain in generator.choice(chains, SHOWN, replace=False)))


def want_of_agent(game: str) -> str:
    """Say why a game without an agent is skipped, and what to do."""
    return (
        f"no agent is shipped; train one by `probes train atari:{game} -o runs/{game}` and give it by"
        f" --agents {game}=runs/{game}"
    )


def want_of_model(game: str, agent: str) -> str:
    """Say why a game is skipped whose agent has no state model, and what to do."""
    states, model = f"runs/{game}-states", f"runs/{game}-crisp"
    return (
        f"no state model is shipped; fit one by `probes collect --agent {agent} --game {game} -o {states}`"
        f" and `probes fit {states} --agent {agent} -o {model}`, and give it by --models {game}={model}"
    )
