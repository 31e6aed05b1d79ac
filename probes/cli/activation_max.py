"""`probes activation-max`: activation maximisation in pixel space beside ours (Fig. 3)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivesim.arguments import natural_int, positive_int
from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.cli.subjects import Given, add_random_weights, add_subjects, load_given, make_target, spread_out
from probes.measures.activation_comparison import Comparing, Group, compare, found_by_search, real_group
from probes.measures.activation_maximization import REGULARISERS, AscentConfig
from probes.progress import track
from probes.synthesis.findings import Findings, load_findings
from probes.synthesis.reference import outputs_of
from probes.synthesis.targets import TargetConfig

KIND = "activation-max"
RESULT = "result.json"
REAL_STATES = 32
"""Held-out states that are measured for scale."""


def add_parser(commands: Subparsers) -> None:
    """Add `activation-max`."""
    parser = commands.add_parser(
        "activation-max", help="maximise a target in pixel space, beside ours (Fig. 3)"
    )
    parser.add_argument(
        "findings", type=Path, help="what `probes search` wrote: gives the target, and our states"
    )
    add_subjects(parser)
    add_random_weights(parser)
    parser.add_argument("--count", type=positive_int, default=4, help="states of each kind")
    parser.add_argument("--steps", type=positive_int, default=AscentConfig().steps)
    parser.add_argument(
        "--strengths", type=float, nargs="+", default=[1.0], help="by which regularisers are multiplied"
    )
    parser.add_argument("--seed", type=natural_int, default=0)
    add_common(parser, "runs/activation-max")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Maximise and compare, unless it has been done."""
    console = begin(args)
    given = load_given(args)
    found = open_findings(args.findings, given)
    config = settings(args, given)
    parents = {**given.parents, "findings": args.findings}
    if artifact.is_current(args.output, KIND, config=config, seed=args.seed, parents=parents):
        console.print(f"{args.output}: up to date", markup=False, highlight=False, soft_wrap=True)
        return finish(args, headline(artifact.read_json(args.output / RESULT)), console)
    comparing = make_comparing(given, found)
    chosen = found.order[: args.count]
    groups = [
        real_group(comparing, spread_out(given.states.held_out_indices, REAL_STATES)),
        found_by_search(comparing, found.z[chosen], found.result["settings"]),
    ]
    configs = [AscentConfig(regulariser=name, steps=args.steps) for name in REGULARISERS]
    total = 1 + (len(configs) - 1) * len(args.strengths)
    with track(total, "activation maximisation", "settings", console) as shown:
        groups += compare(comparing, configs, args.strengths, args.count, args.seed, lambda: shown.advance(1))
    passed = found.passes[chosen].tolist()
    result = {
        "target": found.result["target"],
        "ours": {"places": chosen.tolist(), "passed": passed},
        "groups": [group.to_json() for group in groups],
    }
    with artifact.writing(args.output, KIND, config=config, seed=args.seed, parents=parents) as scratch:
        save(scratch, groups, args.count)
        artifact.write_json(scratch / RESULT, result)
    return finish(args, headline(result), console)


def settings(args: argparse.Namespace, given: Given) -> dict[str, Any]:
    """Return what decides the result besides the parents and the seed."""
    return {
        "agent": {"name": given.agent.name, "digest": given.agent.digest},
        "count": args.count,
        "steps": args.steps,
        "strengths": args.strengths,
    }


def open_findings(path: Path, given: Given) -> Findings:
    """Open findings of the very agent, states and state model that were named.

    Raises:
        ProbeError: they are of others.
    """
    found = load_findings(path)
    artifact.check_parents(found.manifest, given.parents)
    theirs = found.result["agent"]
    if theirs["digest"] != given.agent.digest:
        raise ProbeError(
            f"{path}: these findings are of agent {theirs['name']!r}, given is {given.agent.name!r};"
            " name the same agent, or search with this one"
        )
    return found


def make_comparing(given: Given, found: Findings) -> Comparing:
    """Resolve the findings' target again."""
    kept = found.manifest.config["target"]
    targets = TargetConfig(beta_relative=kept["beta_relative"], soft=kept["soft"])
    target = make_target(kept["name"], given, outputs_of(given.agent, given.states), targets)
    return Comparing(given.agent, target, given.model.model, given.states)


def save(directory: Path, groups: list[Group], count: int) -> None:
    """Write the groups' states, `count` of each, and their measures, in the order of `groups`."""
    np.save(directory / "stored.npy", np.stack([_first(group.stored, count) for group in groups]))
    for index, group in enumerate(groups):
        if group.curve is not None:
            np.save(directory / f"{index}.curve.npy", group.curve)


def _first(stored: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """Return `count` states; where there are fewer, the last one again."""
    return stored[np.minimum(np.arange(count), len(stored) - 1)]


def headline(result: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers of `result.json` that a reader wants first."""
    names = (
        "name",
        "strength",
        "objective_stored",
        "mse_to_real",
        "disagreement_with_real",
        "reconstruction_mse",
    )
    return {"groups": [{name: group[name] for name in names} for group in result["groups"]]}
