"""`probes gallery`: every game and target of the paper's figures, by one setting, on one page."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from drivesim.arguments import natural_int, positive_int
from probes.agent import ProbeError
from probes.agents import shipped_agents
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.cli.study import run_stages, write_page
from probes.data.state_set import load_states
from probes.domains.atari import find_game
from probes.domains.atari_agents import AtariAgent
from probes.domains.atari_games import GameList, load_games
from probes.domains.gallery import Entry, GalleryConfig, plan, want_of_agent, want_of_model
from probes.domains.gallery_pages import build_gallery
from probes.domains.imported_agents import is_imported
from probes.domains.registry import load_agent
from probes.models import find_model, shipped_models
from probes.report.page import headline_numbers
from probes.state_models.model_store import load_model

PAGE = "gallery.html"


def add_parser(commands: Subparsers) -> None:
    """Add `gallery`."""
    parser = commands.add_parser("gallery", help="make the paper's figures of Atari games anew")
    for name, value, what in (
        ("agents", "AGENT", "who plays; the shipped GAME-dqn of games that are not given"),
        ("models", "MODEL", "state models; the shipped GAME-dqn-crisp of games that are not given"),
        ("states", "DIRECTORY", "what `probes collect` wrote; collected, a few, of games that are not given"),
    ):
        parser.add_argument(f"--{name}", nargs="+", default=[], metavar=f"GAME={value}", help=what)
    parser.add_argument("--chains", type=positive_int, default=GalleryConfig.chains, help="of each search")
    parser.add_argument("--steps", type=positive_int, default=GalleryConfig.steps, help="of each search")
    parser.add_argument(
        "--seed", type=natural_int, default=0, help="of the searches, and of which chains are shown"
    )
    add_common(parser, "runs/gallery")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Run what is missing or out of date, then write `gallery.json` and the page."""
    console = begin(args)
    config, agents = configure(args, load_games())
    report_skipped(config, agents, console)
    seconds = run_stages(plan(config, args.output), args, console)
    page = args.output / PAGE
    study = write_page(build_gallery(config, agents, args.output, seconds), args.output, page)
    return finish(
        args,
        {
            "page": str(page),
            "games": list(config.entries),
            "skipped": dict(config.lacking),
            **headline_numbers(study),
        },
        console,
    )


class Found(NamedTuple):
    """What there is for one game."""

    agent: str | None
    """As `load_agent` takes it."""
    model: str | None
    """As `find_model` takes it."""
    states: str | None
    """Where they lie."""


def configure(args: argparse.Namespace, listed: GameList) -> tuple[GalleryConfig, dict[str, AtariAgent]]:
    """Find out which games can be shown, after a check that all of it fits; return their agents too.

    Raises:
        ProbeError: something that was named is not there or does not fit, or no game can be shown.
    """
    entries: dict[str, Entry] = {}
    lacking: dict[str, str] = {}
    agents: dict[str, AtariAgent] = {}
    for game, found in find_all(args, listed.games).items():
        if found.agent is not None:
            agents[game] = playing_agent(game, found.agent)
        if found.agent is None:
            lacking[game] = want_of_agent(game)
        elif found.model is None:
            lacking[game] = want_of_model(game, found.agent)
        else:
            entries[game] = fitting_entry(game, found.agent, found.model, found.states, agents[game])
    if not entries:
        game = next(iter(agents), listed.games[0])
        raise ProbeError(
            f"gallery: no game has both an agent and a state model; of {game}, for one, {lacking[game]}"
        )
    return GalleryConfig(listed, entries, lacking, args.chains, args.steps, args.seed), agents


def find_all(args: argparse.Namespace, games: Sequence[str]) -> dict[str, Found]:
    """Return what the command line names of each game, or else what is shipped."""
    agents, models, states = (
        by_game(f"--{name}", getattr(args, name), games) for name in ("agents", "models", "states")
    )
    return {
        game: Found(
            agents.get(game) or named(f"{game}-dqn", shipped_agents()),
            models.get(game) or named(f"{game}-dqn-crisp", shipped_models()),
            states.get(game),
        )
        for game in games
    }


def named(name: str, known: Sequence[str]) -> str | None:
    """Return a name if it is known."""
    return name if name in known else None


def by_game(option: str, given: Sequence[str], games: Sequence[str]) -> dict[str, str]:
    """Read what is given as GAME=VALUE, the game spelled in any way that the emulator knows.

    Raises:
        ProbeError: it is given otherwise or twice, or there is no such game in the paper's figures.
    """
    found: dict[str, str] = {}
    for text in given:
        name, _, value = text.partition("=")
        if not name or not value:
            raise ProbeError(f"{option}: found {text!r}, allowed is a game and a value, such as pong=...")
        try:
            game = find_game(name)
        except ProbeError as error:
            raise ProbeError(f"{option}: {error}") from error
        if game not in games:
            raise ProbeError(
                f"{option}: found {game!r}, in no figure of the paper; allowed are {', '.join(games)}"
            )
        if game in found:
            raise ProbeError(f"{option}: found {game} twice, {found[game]!r} and {value!r}; give one of them")
        found[game] = value
    return found


def playing_agent(game: str, name: str) -> AtariAgent:
    """Load the agent of a game.

    Raises:
        ProbeError: there is none, or it plays no or another game.
    """
    agent = load_agent(name, game if is_imported(name) else None)
    if not isinstance(agent, AtariAgent) or agent.game != game:
        does = f"plays {agent.world}" if isinstance(agent, AtariAgent) else "drives"
        raise ProbeError(f"--agents {game}={name}: this agent {does}; allowed is one that plays {game}")
    return agent


def fitting_entry(game: str, agent: str, model: str, states: str | None, player: AtariAgent) -> Entry:
    """Join what a game is made with, after a check that it fits.

    Args:
        game: that is shown.
        agent: its name.
        model: name of the state model.
        states: where they lie, if they are given.
        player: the agent.

    Raises:
        ProbeError: something is not there or does not fit.
    """
    path = find_model(model)
    load_model(path, player)
    if states is None:
        return Entry(agent, str(path))
    recorded = load_states(Path(states), verify=False)
    shown = recorded.config.get("simulation", {}).get("name", "another kind")
    if shown != game:
        raise ProbeError(
            f"--states {game}={states}: these are states of {shown}; allowed are those of {game}"
        )
    return Entry(agent, str(path), Path(states))


def report_skipped(config: GalleryConfig, agents: Mapping[str, AtariAgent], console: Console) -> None:
    """Name the games that are not shown; the page says what each would need."""
    without_model = [game for game in config.lacking if game in agents]
    without_agent = [game for game in config.lacking if game not in agents]
    for what, games in (("a state model", without_model), ("an agent", without_agent)):
        if games:
            console.print(f"skipped, for want of {what}: {', '.join(games)}", markup=False, highlight=False)
