"""`probes contents`: what findings show, beside real states (experiments 1 and 2 of Sec. 4.7)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes.agent import action_index
from probes.artifacts import artifact
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.cli.subjects import scenario_of, unique_names
from probes.data.state_set import StateSet, load_states
from probes.domains.driving_contents import describe, drawn_again
from probes.domains.registry import load_driving_agent
from probes.domains.viewpoint import Viewpoint, make_viewpoint
from probes.models import find_model
from probes.state_models.model_store import load_model
from probes.synthesis.findings import Findings, load_findings_of

KIND = "contents"
RESULT = "result.json"


def add_parser(commands: Subparsers) -> None:
    """Add `contents`."""
    parser = commands.add_parser("contents", help="count what findings show, beside real states")
    parser.add_argument("findings", nargs="+", type=Path, help="what `probes search` wrote")
    parser.add_argument("--states", required=True, type=Path, help="the states that the search was given")
    parser.add_argument("--agent", default="reasonable-seg4", help="whose scenario has the camera")
    parser.add_argument("--model", help="a state model: does it draw people near the ego again?")
    parser.add_argument("--brake", default="brake", help="the action that brakes")
    add_common(parser, "runs/contents")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Count, unless it has been done."""
    console = begin(args)
    states, agent = load_states(args.states), load_driving_agent(args.agent, "probes contents")
    paths = unique_names(args.findings, "real", "states", "model")
    config, parents = {"brake": args.brake, "scenario": agent.scenario}, {"states": states.path, **paths}
    model = None
    if args.model is not None:
        parents["model"] = find_model(args.model)
        model = load_model(parents["model"], agent).model
    if artifact.is_current(args.output, KIND, config=config, seed=0, parents=parents):
        console.print(f"{args.output}: up to date", markup=False, highlight=False, soft_wrap=True)
        return finish(args, artifact.read_json(args.output / RESULT), console)
    viewpoint = make_viewpoint(scenario_of(agent))
    brake = action_index(states.actions, args.brake)
    result: dict[str, Any] = {
        "real": _real(states, states.held_out_indices, brake, viewpoint),
        "targets": {
            name: tell(load_findings_of(path, states), states, brake, viewpoint)
            for name, path in paths.items()
        },
    }
    if model is not None:
        result["drawn_again"] = drawn_again(states.stored(states.held_out_indices), model, viewpoint)
    with artifact.writing(args.output, KIND, config=config, seed=0, parents=parents) as scratch:
        artifact.write_json(scratch / RESULT, result)
    return finish(args, result, console)


def tell(found: Findings, states: StateSet, brake: int, viewpoint: Viewpoint) -> dict[str, Any]:
    """Return what all findings of a target show, those that pass, and the real states of the highest J."""
    actions = np.array([states.actions.index(row["greedy"]) for row in found.result["findings"]])
    passes = found.passes
    return {
        "target": found.result["target"],
        "all": describe(found.stored, actions, brake, found.layout, viewpoint),
        "passed": describe(found.stored[passes], actions[passes], brake, found.layout, viewpoint),
        "real_highest": _real(states, found.real_extreme, brake, viewpoint),
    }


def _real(
    states: StateSet, indices: NDArray[np.int64], brake: int, viewpoint: Viewpoint
) -> dict[str, Any] | None:
    """Return what recorded states show; the agent's best actions in them, not those that epsilon drew."""
    actions = states.scores[indices].argmax(axis=1)
    return describe(states.stored(indices), actions, brake, states.layout, viewpoint)
