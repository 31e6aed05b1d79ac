"""`probes novelty`: how far findings and samples are from the states that were fitted (Table 2, Fig. 7)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from drivesim.arguments import positive_int
from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.artifacts.manifest import read_manifest
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.cli.subjects import add_agent, game_of, scenario_of, spread_out, unique_names
from probes.data.state_set import StateSet, load_states
from probes.domains.driving import DrivingAgent
from probes.domains.realism import self_consistency
from probes.domains.registry import load_agent, named_world
from probes.domains.sample_quality import shares
from probes.domains.viewpoint import Viewpoint, make_viewpoint
from probes.measures import prior_samples
from probes.measures.novelty_table import (
    PAPER,
    PAPER_MEAN,
    Compared,
    Source,
    compare_sources,
    nearest_objectives,
    shown_beside,
    tell,
)
from probes.progress import track
from probes.synthesis import findings

KIND = "novelty"
RESULT = "result.json"
HELD_OUT = "held-out"
"""Name of the real states that are compared as findings are: how novel a new real state is."""
SHOWN = 8
"""States of each source that are kept with their neighbours, to be shown."""


def add_parser(commands: Subparsers) -> None:
    """Add `novelty`."""
    parser = commands.add_parser("novelty", help="compare states with the nearest that were fitted (Table 2)")
    parser.add_argument(
        "sources", nargs="+", type=Path, help="what `probes search` or `probes samples` wrote"
    )
    parser.add_argument("--states", required=True, type=Path, help="what the state model was fitted on")
    add_agent(parser, "whose states they are; of one that drives, its scenario has the camera")
    parser.add_argument("--samples", type=positive_int, default=200, help="states of each source at most")
    parser.add_argument("--real-states", type=positive_int, default=100, help="held-out states beside them")
    add_common(parser, "runs/novelty")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Compare, unless it has been done."""
    console = begin(args)
    states = load_states(args.states)
    agent = load_agent(args.agent, game_of(args, states))
    paths = unique_names(args.sources, HELD_OUT, "states")
    config = {"samples": args.samples, "real_states": args.real_states, **named_world(agent)}
    parents = {"states": states.path, **paths}
    if artifact.is_current(args.output, KIND, config=config, seed=0, parents=parents):
        console.print(f"{args.output}: up to date", markup=False, highlight=False, soft_wrap=True)
        return finish(args, {"sources": headline(artifact.read_json(args.output / RESULT))}, console)
    sources = {name: open_source(path, states, args.samples) for name, path in paths.items()}
    sources[HELD_OUT] = held_out_source(states, args.real_states)
    viewpoint = make_viewpoint(scenario_of(agent)) if isinstance(agent, DrivingAgent) else None
    compared = compare(sources, states, console)
    told = {name: tell_source(source, compared[name], states, viewpoint) for name, source in sources.items()}
    paper = {"more_than": {str(key): value for key, value in PAPER.items()}, "mean": PAPER_MEAN}
    with artifact.writing(args.output, KIND, config=config, seed=0, parents=parents) as scratch:
        for name, source in sources.items():
            save(scratch, name, source, compared[name], states)
        artifact.write_json(scratch / RESULT, {"paper": paper, "sources": told})
    return finish(args, {"sources": headline({"sources": told})}, console)


def open_source(path: Path, states: StateSet, count: int) -> Source:
    """Read at most `count` states of findings, the best first, or of samples.

    Raises:
        ProbeError: there is neither, or they are of another layout than the states.
    """
    kind = read_manifest(path, None).kind
    if kind == findings.KIND:
        found = findings.load_findings(path)
        places = found.order[:count]
        by_objective = nearest_objectives(found.objective[places], found.real_objective, found.real_indices)
        about = {"target": found.result["target"], "agent": found.result["agent"]["name"]}
        source = Source("findings", found.stored[places], places, found.passes[places], by_objective, about)
    elif kind == prior_samples.KIND:
        drawn = prior_samples.load_samples(path)
        places = np.arange(min(count, len(drawn.stored)))
        source = Source("samples", drawn.stored[places], places)
    else:
        raise ProbeError(f"{path}: holds a {kind}, allowed are findings and samples")
    if source.stored.shape[1:] != states.layout.stored_shape:
        raise ProbeError(
            f"{path}: its states have shape {source.stored.shape[1:]}, those of {states.path} have"
            f" {states.layout.stored_shape}; name the states that its state model was fitted on"
        )
    return source


def held_out_source(states: StateSet, count: int) -> Source:
    """Read held-out real states."""
    places = spread_out(states.held_out_indices, count)
    return Source("real", states.stored(places), places)


def compare(sources: dict[str, Source], states: StateSet, console: Console) -> dict[str, Compared]:
    """Compare all sources with the fitted states, showing progress."""
    with track(len(states.fit_indices), "nearest states", "states", console) as shown:
        return compare_sources(sources, states, lambda done, _: shown.advance(done - shown.done))


def tell_source(
    source: Source, compared: Compared, states: StateSet, viewpoint: Viewpoint | None
) -> dict[str, Any]:
    """Return plain data of a source: how novel, and how real it looks where that can be told by a camera."""
    if viewpoint is None:
        return tell(source, compared)
    realism = self_consistency(source.stored, states.layout, viewpoint)
    told = {**tell(source, compared), "realism": shares(realism)}
    if source.passes is not None:
        passed = {name: mask[source.passes] for name, mask in realism.items()}
        told["realism_passed"] = shares(passed) if source.passes.any() else None
    return told


def save(directory: Path, name: str, source: Source, compared: Compared, states: StateSet) -> None:
    """Write the arrays of a source."""
    arrays = {
        "places": source.places,
        "nearest": compared.neighbours,
        "mse": compared.mse,
        "changed-range": compared.novelty.changed_by_range,
        "changed-value": compared.novelty.changed_by_value,
        "by-objective": source.by_objective,
        "shown": shown_beside(source, compared, states, SHOWN),
    }
    for kind, array in arrays.items():
        if array is not None:
            np.save(directory / f"{name}.{kind}.npy", array)


def headline(result: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers of `result.json` that a reader wants first."""
    return {
        name: {
            "states": told["all"]["states"],
            "mean_changed": told["all"]["range_all_frames"]["mean_changed"],
            "more_than": told["all"]["range_all_frames"]["more_than"],
            **({"realistic": told["realism"]["realistic"]} if "realism" in told else {}),
        }
        for name, told in result["sources"].items()
    }
