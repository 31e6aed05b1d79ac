"""`probes clusters`: findings grouped by what they show and what the agent makes of it, a medoid for each."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.cli.numbers import in_brackets
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.cli.subjects import add_agent, add_random_weights, game_of, scenario_of, unique_names
from probes.data.state_set import StateSet, load_states
from probes.domains.cluster_pictures import Row, sheet
from probes.domains.driving import DrivingAgent
from probes.domains.finding_features import (
    Features,
    GameFeatures,
    Read,
    StreetFeatures,
    average_picture,
    batches_of,
)
from probes.domains.registry import AnyAgent, load_agent, random_agent
from probes.domains.viewpoint import make_viewpoint
from probes.measures import clusters
from probes.measures.clusters import Cluster, Cut, Floats, Indices, Successions
from probes.progress import Track, track
from probes.synthesis.diversity import differing_shares
from probes.synthesis.findings import Findings, load_findings_of
from probes.synthesis.round_trip import output_scale

KIND = "clusters"
RESULT = "result.json"
SECONDS = 1.0
"""Between recorded states that count as one situation."""
SHOWN = 8
"""Clusters that are shown of each target, the largest; the others are counted."""


class Recorded(NamedTuple):
    """What findings are held against."""

    blocks: dict[str, Floats]
    """(N, F) by name, of all recorded states."""
    scale: NDArray[np.float32]
    """(A + 1,) standard deviations of the agent's scores and value."""
    pairs: Successions
    provenance: NDArray[np.void]
    """(N,), of the states."""


def add_parser(commands: Subparsers) -> None:
    """Add `clusters`."""
    parser = commands.add_parser("clusters", help="group findings that show the same weakness")
    parser.add_argument("findings", nargs="+", type=Path, help="what `probes search` wrote")
    parser.add_argument("--states", required=True, type=Path, help="the states that the search was given")
    add_agent(parser, "who was probed")
    add_random_weights(parser)
    add_common(parser, "runs/clusters")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Cluster the findings of each target, unless it has been done."""
    console = begin(args)
    states = load_states(args.states)
    agent = load_agent(args.agent, game_of(args, states))
    if args.random_weights is not None:
        agent = random_agent(agent, args.random_weights)
    paths = unique_names(args.findings, "states")
    found = {name: _require_agent(load_findings_of(path, states), agent) for name, path in paths.items()}
    config = {"agent": {"name": agent.name, "digest": agent.digest}, "world": agent.world}
    parents = {"states": states.path, **paths}
    if artifact.is_current(args.output, KIND, config=config, seed=0, parents=parents):
        console.print(f"{args.output}: up to date", markup=False, highlight=False, soft_wrap=True)
        return finish(args, _headline(artifact.read_json(args.output / RESULT)), console)
    features = features_of(agent, states)
    recorded = look_at(states, agent, features, console)
    told = {name: tell(one, agent, features, recorded) for name, one in found.items()}
    result = {"targets": told}
    with artifact.writing(args.output, KIND, config=config, seed=0, parents=parents) as scratch:
        artifact.write_json(scratch / RESULT, result)
        for name, one in told.items():
            rows = [Row(c["members"], _lines(number, c, one)) for number, c in enumerate(one["clusters"], 1)]
            picture = sheet(found[name].stored, rows, states.layout)
            cv2.imwrite(str(scratch / f"{name}.png"), picture[..., ::-1])
    for name, one in told.items():
        console.print(_table(name, one))
    return finish(args, _headline(result), console)


def features_of(agent: AnyAgent, states: StateSet) -> Features:
    """Return what findings of an agent are compared by."""
    if isinstance(agent, DrivingAgent):
        scenario = scenario_of(agent)
        return StreetFeatures(states.layout, make_viewpoint(scenario), scenario.sim.decision_hz)
    return GameFeatures(average_picture(states.stored, np.arange(len(states)), states.layout))


def look_at(states: StateSet, agent: AnyAgent, features: Features, console: Console) -> Recorded:
    """Return the features of recorded states, and which of them lie a second apart."""
    pairs = clusters.successions(states.provenance, SECONDS * features.hz)
    with track(len(states), "recorded states", "states", console) as shown:
        blocks, outputs = _seen(states.stored, np.arange(len(states)), agent, features, shown)
    scale = output_scale(outputs[:, :-1], outputs[:, -1])
    return Recorded({**blocks, "agent": outputs / scale}, scale, pairs, states.provenance)


def tell(found: Findings, agent: AnyAgent, features: Features, recorded: Recorded) -> dict[str, Any]:
    """Cluster the findings of a target; return plain data."""
    numbers = np.arange(len(found.stored))
    blocks, outputs = _seen(lambda some: np.asarray(found.stored[some]), numbers, agent, features)
    ours = {**blocks, "agent": outputs / recorded.scale}
    units = clusters.block_units(recorded.blocks, ours)
    real, pairs = clusters.embed(recorded.blocks, units), recorded.pairs
    near, far = (np.linalg.norm(real[pairs.first] - real[to], axis=1) for to in (pairs.later, pairs.other))
    cut = clusters.equal_error_cut(near, far)
    distances = clusters.distances_between(clusters.embed(ours, units))
    labels = clusters.join(distances, cut.distance)
    stable = clusters.stability(distances, labels, near, far, pairs.episode)
    usual = clusters.recorded_clusters(real, recorded.provenance, len(labels), cut.distance)
    gathered = clusters.gather(labels, distances, found.objective, found.passes, found.order)
    limit = 1 - float(found.result["limits"]["agreement"]["limit"])
    return {
        "target": found.result["target"],
        "findings": len(labels),
        "found": len(gathered),
        "recorded": None if usual is None else usual.to_json(),
        "alone": sum(len(one.members) == 1 for one in gathered),
        "copies": clusters.count_copies(differing_shares(found.stored, found.layout), limit),
        "copy_limit": limit,
        "cut": _plain_cut(cut, pairs, features.hz),
        "stability": None if stable is None else stable.to_json(),
        "stable": None if stable is None else clusters.verdict_on(stable.value),
        "labels": labels.tolist(),
        "clusters": _plain_clusters(gathered[:SHOWN], found, features),
    }


def _seen(
    read: Read, indices: Indices, agent: AnyAgent, features: Features, shown: Track | None = None
) -> tuple[dict[str, Floats], Floats]:
    """Return the blocks of states (N, F) each, and the agent's scores and value (N, A + 1)."""
    parts, outputs = list[dict[str, Floats]](), list[Floats]()
    for some in batches_of(indices):
        stored = read(some)
        output = agent.judge(stored)
        parts.append(features.blocks(stored))
        outputs.append(np.column_stack([output.scores.cpu().numpy(), output.value.cpu().numpy()]))
        if shown is not None:
            shown.advance(len(some))
    blocks = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return blocks, np.concatenate(outputs).astype(np.float64)


def _require_agent(found: Findings, agent: AnyAgent) -> Findings:
    """Raise ProbeError unless the findings are of this agent; return them."""
    probed = found.result["agent"]
    if probed["digest"] != agent.digest:
        raise ProbeError(
            f"{found.path}: were searched for agent {probed['name']!r}, not for {agent.name!r};"
            " name that one by --agent"
        )
    return found


def _plain_cut(cut: Cut, pairs: Successions, hz: float) -> dict[str, Any]:
    return {**cut._asdict(), "seconds": pairs.decisions / hz, "pairs": len(pairs.first)}


def _plain_clusters(shown: list[Cluster], found: Findings, features: Features) -> list[dict[str, Any]]:
    """Return clusters as plain data, with what sets them apart and what the agent does in them."""
    numbers = np.arange(len(found.stored))
    words = features.words(found.stored, [np.isin(numbers, one.members) for one in shown])
    rows = found.result["findings"]
    plain = []
    for one, apart in zip(shown, words, strict=True):
        action, count = Counter(rows[k]["greedy"] for k in one.members).most_common(1)[0]
        plain.append(
            {
                "medoid": one.members[0],
                "members": list(one.members),
                "share": one.share.to_json(),
                "objective": one.objective,
                "passing": one.passing.to_json(),
                "spread": one.spread,
                "apart": apart,
                "action": {"name": action, "findings": count},
            }
        )
    return plain


def _headline(result: dict[str, Any]) -> dict[str, Any]:
    return {
        "targets": {
            name: {key: value for key, value in told.items() if key != "labels"}
            for name, told in result["targets"].items()
        }
    }


def _lines(number: int, cluster: dict[str, Any], told: dict[str, Any]) -> list[str]:
    """Write what stands above a cluster's pictures."""
    size, passing = len(cluster["members"]), cluster["passing"]
    counted = f"{number}: {size} of {told['findings']}, {in_brackets(cluster['share'], '.0%')}"
    judged = f"mean J {cluster['objective']:.3g}, {passing['value'] * size:.0f} of {size} pass"
    does = f"best action {cluster['action']['name']} in {cluster['action']['findings']}"
    return [f"{counted}; {judged}; {does}", cluster["apart"]]


def _table(name: str, told: dict[str, Any]) -> Table:
    """Lay the clusters of a target out for a terminal."""
    table = Table(
        "", "findings", "share", "mean J", "pass", "best action", "set apart by",
        title=f"{name}: {told['found']} clusters of {told['findings']} findings, {told['alone']} alone",
        caption=_caption(told),
    )  # fmt: skip
    for number, one in enumerate(told["clusters"], 1):
        size, action = len(one["members"]), one["action"]
        table.add_row(
            str(number),
            str(size),
            in_brackets(one["share"], ".0%"),
            f"{one['objective']:.3g}",
            f"{one['passing']['value'] * size:.0f} of {size}",
            f"{action['name']} ({action['findings']})",
            one["apart"],
        )
    return table


def _caption(told: dict[str, Any]) -> str:
    """Say how the clusters were cut, how stable they are, and what is not shown."""
    cut, stable, usual = told["cut"], told["stability"], told["recorded"]
    lines = [
        f"cut at {cut['distance']:.2f}: {cut['told']:.0%} of recorded states {cut['seconds']:.1f} s apart "
        "are nearer, as many of different episodes farther"
    ]
    if usual is not None:
        lines.append(f"as many recorded states form {in_brackets(usual, '.0f')} clusters")
    if stable is None:
        lines.append("stability: too few findings to tell")
    else:
        weak = "; read them as examples, not as kinds" if told["stable"] == "poor" else ""
        index = in_brackets(stable, ".2f")
        lines.append(f"stability over halves of the findings: {told['stable']}, adjusted Rand {index}{weak}")
    left = told["found"] - len(told["clusters"])
    lines.append(f"near-copies of other findings: {told['copies']}; clusters not shown: {left}")
    return "\n".join(lines)
