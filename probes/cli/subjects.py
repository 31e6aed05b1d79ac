"""The agent, the states and the state model that a stage works on, from the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from drivesim.arguments import natural_int, positive_int
from drivesim.scenario.schema import Scenario
from probes.agent import AgentOutput, ProbeError
from probes.artifacts import artifact
from probes.data.state_set import StateSet, load_states
from probes.domains.imported_agents import is_imported
from probes.domains.registry import AnyAgent, domain_of, load_agent, random_agent, require_driving
from probes.domains.stopping_path import blind_region
from probes.models import find_model
from probes.progress import track
from probes.state_models.model_store import LoadedModel, load_model
from probes.synthesis import reference
from probes.synthesis.reference import Reference
from probes.synthesis.round_trip import Pace
from probes.synthesis.synthesise import Subject
from probes.synthesis.targets import Target, TargetConfig, looks_at_states, resolve

SCALE_STATES = 2000
"""States over which the spread of a target that looks at states is taken."""


class Given(NamedTuple):
    """What the command line named."""

    agent: AnyAgent
    states: StateSet
    model: LoadedModel

    @property
    def parents(self) -> dict[str, Path]:
        """What artifacts are made from, by role."""
        return {"states": self.states.path, "model": self.model.manifest.path}


def add_agent(parser: argparse.ArgumentParser, what: str = "whose states they are") -> None:
    """Add `--agent` and `--game`.

    Args:
        parser: of the command.
        what: the agent is to the command, for its help.
    """
    named = "a shipped name, a run, a directory, sb3:FILE.zip, cleanrl:FILE or module:function"
    parser.add_argument("--agent", default="reasonable-seg4", help=f"{what}: {named}")
    parser.add_argument("--game", help="what an imported agent plays, where no states say it")


def game_of(args: argparse.Namespace, states: StateSet) -> str | None:
    """Return the game that an agent plays, as `load_agent` takes it, from `--game` or recorded states."""
    if args.game is None and is_imported(args.agent):
        simulation = states.config.get("simulation", {})
        return str(simulation["name"]) if "name" in simulation else None
    return None if args.game is None else str(args.game)


def add_subjects(parser: argparse.ArgumentParser) -> None:
    """Add `--agent`, `--game`, `--model` and `--states`."""
    add_agent(parser, "who is probed")
    parser.add_argument("--model", required=True, help="a shipped state model, or what `probes fit` wrote")
    parser.add_argument("--states", required=True, type=Path, help="what `probes collect` wrote")
    parser.set_defaults(random_weights=None)


def add_random_weights(parser: argparse.ArgumentParser) -> None:
    """Add `--random-weights`."""
    parser.add_argument(
        "--random-weights",
        type=natural_int,
        metavar="SEED",
        help="negative control: the agent's network with random weights",
    )


def add_real_states(parser: argparse.ArgumentParser) -> None:
    """Add `--real-states`."""
    parser.add_argument(
        "--real-states", type=positive_int, help="held-out states to compare with; all unless given"
    )


def load_given(args: argparse.Namespace) -> Given:
    """Load what `add_subjects` named.

    Raises:
        ProbeError: something is missing or damaged, or does not fit the others.
    """
    states = load_states(args.states)
    agent = load_agent(args.agent, game_of(args, states))
    if args.random_weights is not None:
        agent = random_agent(agent, args.random_weights)
    if states.layout != agent.layout:
        raise ProbeError(
            f"{args.states}: holds states of {states.layout}, but agent {agent.name!r} sees {agent.layout};"
            " collect states with this agent"
        )
    return Given(agent, states, load_model(find_model(args.model), agent))


def spread_out(indices: NDArray[np.int64], count: int | None) -> NDArray[np.int64]:
    """Choose `count` of some indices, evenly spaced; all of them if there are no more, or if it is None."""
    if count is None or count >= len(indices):
        return indices
    return indices[np.linspace(0, len(indices) - 1, count).round().astype(np.int64)]


def open_reference(given: Given, path: Path, real_states: int | None) -> Reference | None:
    """Open the reference at `path`; None unless it is there and up to date."""
    config = reference.manifest_config(given.agent, _measured_states(given, real_states))
    if artifact.is_current(path, reference.KIND, config=config, seed=0, parents=given.parents):
        return reference.load_reference(path, verify=False)
    return None


def make_reference(
    given: Given, outputs: AgentOutput, path: Path, real_states: int | None, console: Console
) -> Reference:
    """Measure held-out states and keep what came out at `path`."""
    agent, states, loaded = given
    indices = _measured_states(given, real_states)
    with track(len(indices), "real states", "states", console) as shown:
        pace = Pace(on_batch=lambda done, _: shown.advance(done - shown.done))
        found = reference.measure_reference(loaded.model, agent, states, outputs, indices, pace)
    reference.write_reference(path, found, reference.manifest_config(agent, indices), given.parents)
    return found


def _measured_states(given: Given, count: int | None) -> NDArray[np.int64]:
    return spread_out(given.states.held_out_indices, count)


def make_subject(given: Given, found: Reference) -> Subject:
    """Join what was named with the real states' measures."""
    agent = given.agent
    return Subject(given.model.model, agent, given.states, found, domain_of(agent).could_be(agent))


def scenario_of(agent: AnyAgent, who: str = "a scenario") -> Scenario:
    """Load the scenario in which an agent learned.

    Args:
        agent: that drives.
        who: asks for it, named in the error.

    Raises:
        ProbeError: it is not there any more, or not valid, or the agent plays a game.
    """
    return require_driving(agent, who).home()


def make_target(name: str, given: Given, recorded: AgentOutput, config: TargetConfig) -> Target:
    """Resolve a target; `blind` is told where a person counts.

    Args:
        name: as `targets.resolve` takes it.
        given: whose agent is asked.
        recorded: what it says of the whole data set.
        config: settings, of which the region is filled in.

    Raises:
        ProbeError: the target is unknown, or there is nothing to climb.
    """
    agent, states = given.agent, given.states
    region = blind_region(scenario_of(agent, "target 'blind'"), agent.layout) if name == "blind" else None
    seen = None
    if looks_at_states(name, agent):
        seen = reference.batches(states, spread_out(np.arange(len(states)), SCALE_STATES))
    return resolve(name, agent, recorded, replace(config, region=region), seen)


def unique_names(paths: Sequence[Path], *taken: str) -> dict[str, Path]:
    """Name each path by its last part; of those that share it, the later ones get a number.

    Args:
        paths: of artifacts.
        taken: names that none may get.
    """
    named: dict[str, Path] = {}
    for path in paths:
        stem = path.resolve().name
        free = (name for n in count(1) if (name := stem if n == 1 else f"{stem}-{n}") not in (*named, *taken))
        named[next(free)] = path
    return named
