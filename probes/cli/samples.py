"""`probes samples`: decode draws of a state model's prior; of driving, compare them with real states."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from drivesim.arguments import natural_int, positive_int
from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.cli.subjects import Given, add_real_states, add_subjects, load_given, scenario_of, spread_out
from probes.domains.driving import DrivingAgent
from probes.domains.registry import named_world
from probes.domains.sample_quality import Looked, compare_samples, join, look
from probes.domains.viewpoint import make_viewpoint
from probes.measures.prior_samples import KIND, RESULT, SAMPLES, STORED, load_samples, prior_samples
from probes.progress import track

READ = 128
"""Real states looked at together."""


def add_parser(commands: Subparsers) -> None:
    """Add `samples`."""
    parser = commands.add_parser("samples", help="compare samples of the prior with real states")
    add_subjects(parser)
    add_real_states(parser)
    parser.add_argument("--samples", type=positive_int, default=SAMPLES)
    parser.add_argument("--seed", type=natural_int, default=0)
    add_common(parser, "runs/samples")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Draw samples and compare them, unless it has been done."""
    console = begin(args)
    given = load_given(args)
    config = {"samples": args.samples, "real_states": args.real_states, **named_world(given.agent)}
    if artifact.is_current(args.output, KIND, config=config, seed=args.seed, parents=given.parents):
        console.print(f"{args.output}: up to date", markup=False, highlight=False, soft_wrap=True)
        result = load_samples(args.output, verify=False).result
    else:
        compares = isinstance(given.agent, DrivingAgent)
        measured = real_indices(args, given) if compares else None
        parents = given.parents
        with artifact.writing(args.output, KIND, config=config, seed=args.seed, parents=parents) as scratch:
            told = draw_and_compare(args, given, measured, scratch / STORED, console)
            result = {"layout": given.agent.layout.to_json(), **told}
            artifact.write_json(scratch / RESULT, result)
    names = ("samples", "real_states", "classes_within", "classes", "realism")
    return finish(args, {name: result[name] for name in names if name in result}, console)


def real_indices(args: argparse.Namespace, given: Given) -> NDArray[np.int64]:
    """Choose the held-out states that samples are compared with.

    Raises:
        ProbeError: they are of a single episode.
    """
    indices = spread_out(given.states.held_out_indices, args.real_states)
    if len(np.unique(given.states.provenance["episode"][indices])) < 2:
        raise ProbeError(
            f"{args.states}: samples are compared with held-out states of at least 2 episodes;"
            " collect more of them, or raise --real-states"
        )
    return indices


def draw_and_compare(
    args: argparse.Namespace, given: Given, indices: NDArray[np.int64] | None, file: Path, console: Console
) -> dict[str, Any]:
    """Write samples; compare what they show with real states of these indices, if there are any."""
    if indices is None:  # what a game's pictures show cannot be told
        draw(given, args.samples, args.seed, file, console, lambda _: None)
        return {"samples": args.samples}
    real = look_at_real(given, indices, console)
    layout, viewpoint = given.agent.layout, make_viewpoint(scenario_of(given.agent))
    parts: list[Looked] = []

    def note(stored: NDArray[np.uint8]) -> None:
        parts.append(look(stored, layout, viewpoint))

    draw(given, args.samples, args.seed, file, console, note)
    return compare_samples(join(parts), real, given.states.provenance["episode"][indices])


def draw(
    given: Given,
    count: int,
    seed: int,
    file: Path,
    console: Console,
    on_batch: Callable[[NDArray[np.uint8]], None],
) -> None:
    """Write samples to a file; `on_batch` is shown them on the way."""
    model = given.model.model
    array = artifact.open_array(file, np.uint8, (count, *model.layout.stored_shape))
    with track(count, "samples", "states", console) as shown:
        for stored in prior_samples(model, count, seed):
            array[shown.done : shown.done + len(stored)] = stored
            on_batch(stored)
            shown.advance(len(stored))
    array.flush()


def look_at_real(given: Given, indices: NDArray[np.int64], console: Console) -> Looked:
    """Measure real states."""
    states, viewpoint = given.states, make_viewpoint(scenario_of(given.agent))
    parts: list[Looked] = []
    with track(len(indices), "real states", "states", console) as shown:
        for start in range(0, len(indices), READ):
            stored = states.stored(indices[start : start + READ])
            parts.append(look(stored, states.layout, viewpoint))
            shown.advance(len(stored))
    return join(parts)
