"""`probes replay-moments`: from realised findings on, among people who look and people who do not."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from drivesim.arguments import natural_int, positive_int
from drivesim.scenario.errors import ScenarioError
from drivesim.scenario.loader import scenario_digest
from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.cli.numbers import in_brackets
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.cli.realize import KIND as REALIZED
from probes.cli.replay import NO_FILMS, NO_HITS, NOT_WANTED
from probes.data.state_set import StateSet, load_states, require_states
from probes.domains.driving_moments import Moment, moment_of_sketch, moment_of_state
from probes.domains.driving_realize import sketch_of
from probes.domains.driving_replay import can_film, load_driver, load_scenario
from probes.domains.moment_drives import Condition, Plan, Record, drive_from, film_side_by_side, record
from probes.domains.moment_scenario import NoCrossing, hit_share, write_scenario
from probes.domains.registry import load_driving_agent
from probes.domains.town_sketch import Sketcher
from probes.measures.novelty import nearest
from probes.moment_replay import NEAREST, RANDOM, more_often, tell, verdict
from probes.progress import track
from probes.replay import Outcome, worst

KIND = "moment-replay"
RESULT = "result.json"
NOBODY = "nobody"
"""The condition without people."""
AGAIN = 20
"""Seeds by which a scenario that was written is driven."""

Drives = dict[str, list[list[Outcome]]]
"""By condition, the drives from each moment."""


def add_parser(commands: Subparsers) -> None:
    """Add `replay-moments`."""
    parser = commands.add_parser(
        "replay-moments", help="drive on from realised findings, among people who look and who do not"
    )
    parser.add_argument("realized", type=Path, help="what `probes realize` wrote")
    parser.add_argument("--states", required=True, type=Path, help="the states that `realize` was given")
    parser.add_argument("--agent", default="reasonable-seg4", help="who was probed, and drives")
    parser.add_argument(
        "--scenarios", nargs=2, default=["reasonable", "distracted"], metavar="SCENARIO",
        help="first where people are as the agent knows them, then where they are not",
    )  # fmt: skip
    parser.add_argument("--all", action="store_true", help="also findings that no town shows well enough")
    parser.add_argument("--random", type=positive_int, default=24, help="recorded moments to set beside them")
    parser.add_argument("--drives", type=positive_int, default=8, help="seeds from each moment")
    parser.add_argument("--seconds", type=positive_int, default=8, help="how long each drive may last")
    parser.add_argument("--films", type=natural_int, default=1, help="worst hits to film, of each target")
    parser.add_argument(
        "--renderer", choices=("raycast", "bullet"), default="raycast",
        help="what draws the driver's images: PyBullet is the reference, and a hundred times slower",
    )  # fmt: skip
    parser.add_argument("--seed", type=natural_int, default=1_000_000, help="of the first drive")
    add_common(parser, "runs/moment-replay")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Drive, compare, film and write scenarios, unless it has been done."""
    console = begin(args)
    states, agent = load_states(args.states), load_driving_agent(args.agent, "probes replay-moments")
    realized = artifact.load(args.realized, REALIZED)
    require_states(realized, states)
    scenarios = [load_scenario(name) for name in args.scenarios]
    if scenarios[0].name == scenarios[1].name:
        raise ProbeError(f"--scenarios: found {scenarios[0].name} twice; allowed are two different ones")
    if args.renderer == "bullet" and not can_film():
        raise ProbeError("--renderer: found bullet, and PyBullet is not installed; allowed is raycast")
    pilots = [load_driver(args.agent, scenario) for scenario in scenarios]
    config = {
        "agent": {"name": agent.name, "digest": agent.digest},
        "scenarios": [{"name": s.name, "digest": scenario_digest(s)} for s in scenarios],
        **{name: getattr(args, name) for name in ("all", "random", "drives", "seconds", "films", "renderer")},
        "can_film": can_film(),
    }
    parents = {"states": states.path, "realized": args.realized}
    if artifact.is_current(args.output, KIND, config=config, seed=args.seed, parents=parents):
        console.print(f"{args.output}: up to date", markup=False, highlight=False, soft_wrap=True)
    else:
        seeds = tuple(range(args.seed, args.seed + args.drives))
        plan = Plan(pilots[0], seeds, float(args.seconds), args.renderer)
        conditions = [
            *(Condition(s.name, s) for s in scenarios),
            Condition(NOBODY, scenarios[0], is_peopled=False),
        ]
        groups = chosen_moments(args, states, Sketcher(agent.home(), states.layout))
        with artifact.writing(args.output, KIND, config=config, seed=args.seed, parents=parents) as scratch:
            drives = drive_all(plan, groups, conditions, console)
            found = as_result(groups, drives, [condition.name for condition in conditions])
            driven = Driven(plan, groups, conditions, drives)
            films = film_worst(args, driven, scratch)
            files = write_scenarios(args, driven, scratch, console)
            artifact.write_json(scratch / RESULT, {**config, **found, **films, "scenario_files": files})
    result = artifact.read_json(args.output / RESULT)
    console.print(shown(result["groups"]))
    for target, told in result["verdicts"].items():
        console.print(f"{target}: {told}", markup=False, highlight=False)
    told = {key: result[key] for key in ("groups", "against_random", "verdicts", "films", "scenario_files")}
    return finish(args, told, console)


def chosen_moments(args: argparse.Namespace, states: StateSet, sketcher: Sketcher) -> dict[str, list[Moment]]:
    """Return the moments to drive from, by group: each target's, the nearest recorded, and random ones."""
    rows = artifact.read_json(args.realized / "result.json")["states"]
    drawn = np.load(args.realized / "drawn.npy")
    groups: dict[str, list[Moment]] = {}
    kept = [k for k, row in enumerate(rows) if args.all or row["is_realised"]]
    for k in kept:
        label = f"{rows[k]['target']} {rows[k]['finding']}"
        moment = moment_of_sketch(sketcher, sketch_of(rows[k]), label)
        groups.setdefault(rows[k]["target"], []).append(moment)
    scenario = sketcher.scenario
    if kept:
        alike = np.unique(nearest(drawn[kept], states).indices[:, 0])
        groups[NEAREST] = [moment_of_state(states, int(i), scenario, f"state {i}") for i in alike]
    count = min(args.random, len(states))
    random = np.sort(np.random.default_rng(args.seed).choice(len(states), count, replace=False))
    groups[RANDOM] = [moment_of_state(states, int(i), scenario, f"state {i}") for i in random]
    return groups


def drive_all(
    plan: Plan, groups: dict[str, list[Moment]], conditions: list[Condition], console: Console
) -> dict[str, Drives]:
    """Drive from every moment in every condition."""
    total = sum(map(len, groups.values())) * len(conditions)
    drives: dict[str, Drives] = {}
    with track(total, "replay", "moments", console) as bar:
        for group, moments in groups.items():
            drives[group] = {condition.name: [] for condition in conditions}
            for number, moment in enumerate(moments):
                for condition in conditions:
                    drives[group][condition.name].append(drive_from(plan, moment, number, condition))
                    bar.advance()
    return drives


def as_result(
    groups: dict[str, list[Moment]], drives: dict[str, Drives], conditions: list[str]
) -> dict[str, Any]:
    """Sum up, compare with random moments and with the first scenario, and list all drives."""
    usual, adverse = conditions[:2]
    targets = [group for group in groups if group not in (NEAREST, RANDOM)]
    against = {
        target: {c: more_often(drives[target][c], drives[RANDOM][c], len(targets)) for c in conditions}
        for target in [*targets, *([NEAREST] if NEAREST in groups else [])]
    }
    return {
        "groups": {g: {c: tell(drives[g][c]).to_json() for c in conditions} for g in groups},
        "against_random": {t: {c: asdict(e) for c, e in row.items()} for t, row in against.items()},
        "against_usual": {g: asdict(more_often(drives[g][adverse], drives[g][usual])) for g in groups},
        "verdicts": {target: verdict(against[target][adverse], len(groups[target])) for target in targets},
        "moments": [
            {
                "group": group,
                "label": moment.label,
                "drives": {c: [asdict(o) for o in drives[group][c][k]] for c in conditions},
            }
            for group, moments in groups.items()
            for k, moment in enumerate(moments)
        ],
    }


@dataclass(frozen=True, eq=False)
class Driven:
    """Everything that was driven."""

    plan: Plan
    groups: dict[str, list[Moment]]
    conditions: list[Condition]
    drives: dict[str, Drives]
    """By group."""

    @property
    def adverse(self) -> Condition:
        """Among people as the agent does not know them."""
        return self.conditions[1]

    def origin(self, hit: Outcome, group: str) -> tuple[Moment, int]:
        """Return the moment that a drive went on from, and which of the seeds it had."""
        number, k = divmod(hit.start, len(self.plan.seeds))
        return self.groups[group][number], k


def film_worst(args: argparse.Namespace, driven: Driven, directory: Path) -> dict[str, Any]:
    """Film the worst hits of each group but random moments, in all conditions side by side."""
    films: list[dict[str, Any]] = []
    for group in (one for one in driven.groups if one != RANDOM) if can_film() else ():
        hits = worst([drive for one in driven.drives[group][driven.adverse.name] for drive in one])
        for rank, hit in enumerate(hits[: args.films], start=1):
            moment, k = driven.origin(hit, group)
            file = f"{_stem(group, rank)}.mp4"
            records = {c.name: record(driven.plan, moment, c, k) for c in driven.conditions}
            film_side_by_side(records, directory / file)
            films.append({"file": file, **_told(group, moment, hit), "seconds": hit.seconds})
    no_films = None if films else NO_FILMS if not can_film() else NO_HITS if args.films else NOT_WANTED
    return {"films": films, "no_films": no_films}


def write_scenarios(
    args: argparse.Namespace, driven: Driven, directory: Path, console: Console
) -> list[dict[str, Any]]:
    """Write the worst hit that followed from each moment as a scenario, the hardest of a group first."""
    hits = [
        (group, rank, hit)
        for group in driven.groups
        for rank, hit in enumerate(worst_of_moments(driven.drives[group][driven.adverse.name]), start=1)
    ]
    files: list[dict[str, Any]] = []
    with track(len(hits), "write as scenarios", "hits", console) as bar:
        for group, rank, hit in hits:
            moment, k = driven.origin(hit, group)
            found = record(driven.plan, moment, driven.adverse, k)
            written = _written(args, found, driven.adverse, moment, _stem(group, rank), directory)
            files.append({**_told(group, moment, hit), **written})
            bar.advance()
    return files


def worst_of_moments(drives: list[list[Outcome]]) -> list[Outcome]:
    """Return of each moment the hardest hit that could have been avoided, if there is one, in that order."""
    return worst([hit for one in drives for hit in worst(one)[:1]])


def _told(group: str, moment: Moment, hit: Outcome) -> dict[str, Any]:
    return {"group": group, "moment": moment.label, "impact": hit.impact}


def _stem(group: str, rank: int) -> str:
    return f"{group.replace(' ', '-')}-{rank}"


def _written(
    args: argparse.Namespace, hit: Record, adverse: Condition, moment: Moment, stem: str, directory: Path
) -> dict[str, Any]:
    """Write the scenario of a hit and drive it; say how often it ends so again, or why there is none."""
    note = f"What followed from {moment.label}: one person crosses, as in a drive of {args.agent}."
    try:
        text = write_scenario(hit, adverse.scenario, f"replay-{stem}", note)
    except (NoCrossing, ScenarioError) as error:
        return {"file": None, "why_not": str(error)}
    (directory / f"{stem}.yaml").write_text(text)
    again = hit_share(directory / f"{stem}.yaml", args.agent, range(args.seed, args.seed + AGAIN))
    return {"file": f"{stem}.yaml", "again": asdict(again)}


def shown(groups: dict[str, dict[str, Any]]) -> Table:
    """Lay the groups out for a terminal."""
    table = Table(
        "moments", "n", "among", "avoidable hit", "brakes", "time to collision",
        caption="shares of the drives, with 95% intervals; a moment counts as one trial; time: the median, s",
    )  # fmt: skip
    for group, told in groups.items():
        for condition, one in told.items():
            shares = (in_brackets(one[key], ".0%") for key in ("avoidable", "braked"))
            time = one["time_to_collision"]
            table.add_row(
                group, str(one["moments"]), condition, *shares, "-" if time is None else f"{time:.1f}"
            )
    return table
