"""`probes realize`: from synthesised states back to towns that look like them, as far as there are any."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from drivesim.arguments import natural_int, positive_int
from drivesim.scenario.loader import scenario_digest
from probes import realize
from probes.artifacts import artifact
from probes.cli.numbers import in_brackets
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.cli.subjects import unique_names
from probes.data.state_set import load_states
from probes.domains.driving_realize import Realised, Realiser, to_json
from probes.domains.driving_replay import chosen_scenario, load_driver
from probes.domains.pictures import render_stack
from probes.domains.registry import load_driving_agent
from probes.progress import track
from probes.realize import RefineConfig
from probes.states import StateLayout
from probes.statistics import share
from probes.synthesis.findings import Findings, load_findings_of
from probes.synthesis.parallel import on_all_cores
from probes.synthesis.round_trip import output_scale

KIND = "realized"
RESULT, PICTURES = "result.json", "pictures.png"
SHOWN = 24
"""States of which the pictures show what became of them."""
GAP = 8
"""Pixels between a state and what was found."""


def add_parser(commands: Subparsers) -> None:
    """Add `realize`."""
    parser = commands.add_parser("realize", help="find the towns that synthesised states show")
    parser.add_argument("findings", nargs="+", type=Path, help="what `probes search` wrote")
    parser.add_argument("--states", required=True, type=Path, help="the states that the search was given")
    parser.add_argument("--agent", default="reasonable-seg4", help="who was probed")
    parser.add_argument(
        "--scenario", help="whose town it is; the one in which the agent learned unless given"
    )
    parser.add_argument(
        "--most", type=positive_int, default=8, help="findings of each target, the best first"
    )
    parser.add_argument("--all", action="store_true", help="also states that fail the checks of the search")
    parser.add_argument("--generations", type=positive_int, default=realize.DEFAULT.generations)
    parser.add_argument("--seed", type=natural_int, default=0)
    add_common(parser, "runs/realized")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Take the states back, unless it has been done."""
    console = begin(args)
    states, agent = load_states(args.states), load_driving_agent(args.agent, "probes realize")
    paths = unique_names(args.findings, "states")
    scenario = chosen_scenario(args.scenario, agent)
    load_driver(args.agent, scenario)  # that it fits is found out before anything that takes long
    settings = RefineConfig(generations=args.generations, seed=args.seed)
    config = {
        "agent": {"name": agent.name, "digest": agent.digest},
        "scenario": {"name": scenario.name, "digest": scenario_digest(scenario)},
        "most": args.most,
        "all": args.all,
        "refine": asdict(settings),
    }
    parents = {"states": states.path, **paths}
    if artifact.is_current(args.output, KIND, config=config, seed=args.seed, parents=parents):
        console.print(f"{args.output}: up to date", markup=False, highlight=False, soft_wrap=True)
        return finish(args, _headline(artifact.read_json(args.output / RESULT)), console)
    found = {name: load_findings_of(path, states) for name, path in paths.items()}
    realiser = Realiser(scenario, states.layout, agent, output_scale(states.scores, states.value), settings)
    chosen = [(name, k) for name, one in found.items() for k in chosen_of(one, args.most, args.all)]
    with track(len(chosen), "realize", "states", console) as shown:

        def take_back(one: tuple[str, int]) -> Realised:
            realised = realiser.realise(found[one[0]].stored[one[1]])
            shown.advance()
            return realised

        taken = on_all_cores(take_back, chosen)
    rows = [
        {"target": name, "finding": k, "passes": bool(found[name].passes[k]), **to_json(realised)}
        for (name, k), realised in zip(chosen, taken, strict=True)
    ]
    result = {"targets": {name: _shares([r for r in rows if r["target"] == name]) for name in found}}
    with artifact.writing(args.output, KIND, config=config, seed=args.seed, parents=parents) as scratch:
        artifact.write_json(scratch / RESULT, {**result, "states": rows})
        drawn = np.array([realised.drawn for realised in taken], np.uint8)
        np.save(scratch / "drawn.npy", drawn.reshape(-1, *states.layout.stored_shape))
        pairs = [(found[name].stored[k], one.drawn) for (name, k), one in zip(chosen, taken, strict=True)]
        if pairs:
            cv2.imwrite(str(scratch / PICTURES), sheet(pairs[:SHOWN], states.layout)[..., ::-1])
    console.print(_table(result["targets"]))
    return finish(args, _headline(result), console)


def chosen_of(findings: Findings, most: int, all_of_them: bool) -> list[int]:
    """Return which states of a target to take back: those that pass the checks, unless all are asked for."""
    return [int(k) for k in findings.order if all_of_them or findings.passes[k]][:most]


def _shares(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return how many of a target's states are realised, and how well on average; None of no state."""
    if not rows:
        return {"realised": None, "class_agreement": None, "output_gap": None}
    return {
        "realised": asdict(share(sum(row["is_realised"] for row in rows), len(rows))),
        "class_agreement": float(np.mean([row["class_agreement"] for row in rows])),
        "output_gap": float(np.median([row["output_gap"] for row in rows])),
    }


def _headline(result: dict[str, Any]) -> dict[str, Any]:
    return {"targets": result["targets"]}


def _table(targets: dict[str, dict[str, Any]]) -> Table:
    """Lay the shares out for a terminal."""
    table = Table(
        "target", "states", "realised", "pixels that agree", "output gap",
        caption="in brackets: 95% intervals; the gap: the median, in standard deviations",
    )  # fmt: skip
    for name, told in targets.items():
        if told["realised"] is None:
            table.add_row(name, "0: none passes the checks", "-", "-", "-")
            continue
        cells = (
            str(told["realised"]["n"]),
            in_brackets(told["realised"], ".0%"),
            f"{told['class_agreement']:.1%}",
            f"{told['output_gap']:.2f}",
        )
        table.add_row(name, *cells)
    return table


def sheet(
    pairs: Sequence[tuple[NDArray[np.uint8], NDArray[np.uint8]]], layout: StateLayout
) -> NDArray[np.uint8]:
    """Draw states (T, M, H, W) on the left and what was found of each on the right, a row of frames each."""
    rows = []
    for pair in pairs:
        sides = [np.concatenate(_classes(stored, layout), axis=1) for stored in pair]
        gap = np.full((sides[0].shape[0], GAP, 3), 255, np.uint8)
        rows.append(np.concatenate([sides[0], gap, sides[1]], axis=1))
    return np.concatenate(rows)


def _classes(stored: NDArray[np.uint8], layout: StateLayout) -> NDArray[np.uint8]:
    """Return the frames (T, H, W, 3) of a state's class plane in colours."""
    pictures = render_stack(stored, layout)
    name = next(plane.name for plane in layout.planes if plane.kind == "class")
    return pictures[name]
