"""`probes falsify`: how many simulator steps methods of direct search need to the first avoidable hit."""

from __future__ import annotations

import argparse
import base64
from collections.abc import Mapping
from dataclasses import asdict
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from drivesim.arguments import natural_int, positive_int
from drivesim.envs.vector import DEVELOPMENT
from drivesim.scenario.loader import scenario_digest
from drivesim.scenario.schema import Scenario
from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.cli.numbers import in_brackets
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.cli.portion import Portion
from probes.cli.realize import KIND as REALIZED
from probes.data.state_set import load_states, require_states
from probes.domains.driving_falsify import (
    CARS,
    METHODS,
    RECORD_S,
    RUN_S,
    SPACE,
    Crossing,
    Method,
    failure_share,
)
from probes.domains.driving_replay import chosen_scenario
from probes.domains.falsify_findings import findings_methods, realised_moments, steps_recorded
from probes.domains.registry import load_driving_agent
from probes.domains.user_method import load_user_method
from probes.falsify import ELITES, POPULATION, Attempt, find_failure
from probes.first_failures import duel, fastest, found_over_steps, summarise
from probes.progress import track
from probes.report.figures import draw_chart
from probes.report.items import Curve, CurveSeries, SourceRef
from probes.user_function import source_digest

KIND = "falsification"
WITH_FINDINGS = ("synthesis", "synthesis-at-hand")
"""Methods that there are once findings have been realised."""
RESULT, FIGURE = "result.json", "found.svg"
RARE = 0.01
"""The greatest share of random starts that may fail."""

Attempts = dict[str, list[Attempt]]
"""By method."""


def add_parser(commands: Subparsers) -> None:
    """Add `falsify`."""
    parser = commands.add_parser(
        "falsify", help="count the simulator steps that direct search needs to the first avoidable hit"
    )
    parser.add_argument("--agent", default="reasonable-seg4", help="a shipped name, a run or a directory")
    parser.add_argument("--scenario", help="whose town it is; where the agent learned unless given")
    parser.add_argument(
        "--methods",
        nargs="+",
        metavar="METHOD",
        help=f"of {', '.join((*METHODS, *WITH_FINDINGS))}, or your own module:function",
    )
    parser.add_argument(
        "--realized", type=Path, help="what `probes realize` wrote; adds the methods of synthesis"
    )
    parser.add_argument("--states", type=Path, help="the states that `realize` was given")
    parser.add_argument("--seeds", type=positive_int, default=20, help="searches by each method")
    parser.add_argument(
        "--seed", type=natural_int, default=DEVELOPMENT, help="of the first search, and of its town"
    )
    parser.add_argument("--budget", type=positive_int, default=40_000, help="simulator steps of a search")
    parser.add_argument(
        "--random-runs",
        type=positive_int,
        default=64,
        help="in the town of each seed, to tell how rare hits are",
    )
    add_common(parser, "runs/falsify")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Search, unless it has been done."""
    console = begin(args)
    agent = load_driving_agent(args.agent, "probes falsify")
    scenario = chosen_scenario(args.scenario, agent)
    crossing = Crossing(agent, scenario)
    methods, parents = with_findings(args, scenario)
    own = {name: load_user_method(name) for name in args.methods or () if ":" in name}
    methods |= own
    names = check_methods(args.methods or list(methods), methods)
    settings = {
        "agent": {"name": agent.name, "digest": agent.digest},
        "scenario": {"name": scenario.name, "digest": scenario_digest(scenario)},
        "methods": names,
        **({"sources": {name: source_digest(name) for name in own}} if own else {}),
        "seeds": args.seeds,
        "budget": args.budget,
        "random_runs": args.random_runs,
        "space": dict(SPACE),
        "run_s": RUN_S,
        "record_s": RECORD_S,
        "cars": CARS,
        "population": POPULATION,
        "elites": ELITES,
    }
    if artifact.is_current(args.output, KIND, config=settings, seed=args.seed, parents=parents):
        console.print(f"{args.output}: up to date", markup=False, highlight=False, soft_wrap=True)
    else:
        with artifact.writing(args.output, KIND, config=settings, seed=args.seed, parents=parents) as scratch:
            chosen = {name: methods[name] for name in names}
            result = search_all(args, crossing, chosen, scratch / FIGURE, console)
            artifact.write_json(scratch / RESULT, {**settings, "seed": args.seed, **result})
    result = artifact.read_json(args.output / RESULT)
    console.print(shown(result))
    for line in remarks(result):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    told = {key: result[key] for key in ("random", "is_rare", "summaries", "fastest", "duels")}
    return finish(args, told, console)


def with_findings(args: argparse.Namespace, scenario: Scenario) -> tuple[dict[str, Method], dict[str, Path]]:
    """Return the methods that there are, and the artifacts that they need.

    Raises:
        ProbeError: the findings, or their states, are missing, or no finding shows somebody ahead.
    """
    if args.realized is None and args.states is None:
        return dict(METHODS), {}
    if args.realized is None or args.states is None:
        raise ProbeError("--realized and --states: found one of them; allowed are both or none")
    states = load_states(args.states)
    require_states(artifact.load(args.realized, REALIZED), states)
    moments = realised_moments(args.realized, states, scenario)
    if not moments:
        raise ProbeError(f"{args.realized}: no finding is a town in which somebody is ahead")
    found = findings_methods(moments, scenario, steps_recorded(states))
    return {**METHODS, **found}, {"realized": args.realized, "states": args.states}


def check_methods(names: list[str], methods: Mapping[str, Method]) -> list[str]:
    """Return methods that are known and named once.

    Raises:
        ProbeError: they are not.
    """
    wrong = [name for name in names if name not in methods]
    if wrong or len(set(names)) < len(names):
        near = get_close_matches(wrong[0], methods, 1) if wrong else []
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ProbeError(
            f"--methods: found {', '.join(names)}; allowed are different ones of {', '.join(methods)}{hint}"
        )
    return names


def search_all(
    args: argparse.Namespace,
    crossing: Crossing,
    methods: Mapping[str, Method],
    figure: Path,
    console: Console,
) -> dict[str, Any]:
    """Tell how rare hits are, search by every method and seed, and draw what came out."""
    seeds = range(args.seed, args.seed + args.seeds)
    drawn = round(RUN_S * crossing.scenario.sim.decision_hz) * args.random_runs * args.seeds
    attempts: Attempts = {name: [] for name in methods}
    total = drawn + args.budget * len(methods) * args.seeds
    with track(total, "falsify", "simulator steps", console) as bar:
        part = Portion(bar, drawn)
        random = failure_share(
            crossing, seeds, args.random_runs, lambda done: part.reach(drawn * done // args.seeds)
        )
        for seed in seeds:
            for name in methods:
                part = Portion(bar, args.budget)
                method = partial(methods[name], crossing)
                found = find_failure(method, crossing.play, seed, args.budget, part.reach)
                attempts[name].append(found)
                part.fill()
    figure.write_bytes(drawing(attempts, args.budget))
    return {"random": random.to_json(), "is_rare": random.value <= RARE, **as_result(attempts)}


def as_result(attempts: Attempts) -> dict[str, Any]:
    """Sum up the searches, set every method against the fastest, and list all searches."""
    summaries = {name: summarise(each) for name, each in attempts.items()}
    best = fastest(summaries)
    rivals = {} if best is None else {name: each for name, each in attempts.items() if name != best}
    return {
        "summaries": {name: told.to_json() for name, told in summaries.items()},
        "fastest": best,
        "duels": {name: duel(attempts[str(best)], each).to_json() for name, each in rivals.items()},
        "attempts": {name: [asdict(one) for one in each] for name, each in attempts.items()},
    }


def drawing(attempts: Attempts, budget: int) -> bytes:
    """Draw the share of seeds that have found a hit over the steps, as SVG."""
    series = []
    for name, each in attempts.items():
        x, y = found_over_steps(each, budget)
        series.append(CurveSeries(name, tuple(x), tuple(y)))
    seeds = len(next(iter(attempts.values())))
    chart = Curve(
        caption="Share of searches that have found an avoidable hit",
        look_for="The farther to the left a line rises, the fewer simulator steps a method needs.",
        x_label="simulator steps, data collection included",
        y_label=f"share of {seeds} seeds",
        series=tuple(series),
        source=SourceRef(KIND, "", "probes falsify"),
    )
    return base64.b64decode(draw_chart(chart).light.partition(",")[2])


def shown(result: dict[str, Any]) -> Table:
    """Lay the methods out for a terminal."""
    table = Table(
        "method", "found", "median steps", "quartiles", "recorded", "runs", "fastest is sooner on",
        caption=f"in brackets: 95% intervals; >: more than the {result['budget']:,} steps of a search;"
        " recorded (steps) and runs: means",
    )  # fmt: skip
    for name, told in result["summaries"].items():
        against = result["duels"].get(name)
        table.add_row(
            name,
            in_brackets(told["found"], ".0%"),
            f"{_steps(told['median'])} [{_steps(told['low'])}, {_steps(told['high'])}]",
            f"{_steps(told['first_quartile'])} to {_steps(told['third_quartile'])}",
            f"{told['recorded']:,.0f}",
            f"{told['runs']:,.0f}",
            "" if against is None else f"{against['sooner']} of {against['sooner'] + against['later']}",
        )
    return table


def _steps(value: float | None) -> str:
    return ">" if value is None else f"{value:,.0f}"


def remarks(result: dict[str, Any]) -> list[str]:
    """Say how rare failures are, and which method is the fastest."""
    rare = in_brackets(result["random"], ".2%")
    verdict = "as rare as asked for" if result["is_rare"] else f"not as rare as asked for, {RARE:.0%}"
    best = result["fastest"]
    fast = f"the least median has {best}" if best else "no method has a median within its steps"
    return [f"random starts that fail: {rare}, {verdict}", fast]
