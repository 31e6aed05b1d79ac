"""`probes awareness`: does a person in its way change what an agent thinks and does? A verdict, and why."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from drivesim.arguments import natural_int, positive_int
from drivesim.envs.episodes import DEVELOPMENT, HELD_OUT
from drivesim.scenario.loader import scenario_digest
from drivesim.scenario.schema import Scenario
from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.awareness import AWARE, FAINT, UNAWARE, decide
from probes.cli.numbers import in_brackets
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.domains.awareness_answers import AHEAD, LEFT, SPARE, Answers
from probes.domains.awareness_drives import DRIVE_S
from probes.domains.awareness_moments import DRAW_S, WALK, Moments, collect_moments, plan_of
from probes.domains.driving import DrivingAgent, random_agent
from probes.domains.driving_awareness import ask, fits, require_fit, states_per_moment
from probes.domains.driving_replay import chosen_scenario
from probes.domains.registry import load_driving_agent
from probes.progress import track
from probes.report.plan_view import Panel, Plan, draw_plans, save_plans

KIND = "awareness"
RESULT, MAP = "result.json", "map.png"
WHO = "probes awareness"
MOMENTS = 2
"""At least, for any interval; many more for a verdict."""
NOTABLE = f"more than chance, and {FAINT:g} or more"


def add_parser(commands: Subparsers) -> None:
    """Add `awareness`."""
    parser = commands.add_parser("awareness", help="tell whether agents mind a person in their way")
    parser.add_argument(
        "agents", nargs="*", default=["reasonable-seg4"], metavar="AGENT",
        help="shipped names, runs or directories; five seeds or more tell of a way to train",
    )  # fmt: skip
    parser.add_argument("--scenario", help="where; the one in which the first agent learned unless given")
    parser.add_argument("--episodes", type=positive_int, default=128, help="one moment is drawn of each")
    parser.add_argument("--seed", type=natural_int, default=DEVELOPMENT, help="of the first episode")
    parser.add_argument(
        "--positive-control", default="distracted-seg4", metavar="AGENT",
        help="who must be found aware; left out where it does not see what the scenario shows",
    )  # fmt: skip
    parser.add_argument(
        "--random-weights", type=natural_int, default=0, metavar="SEED",
        help="of the negative control: the first agent's network with random weights",
    )  # fmt: skip
    add_common(parser, "runs/awareness")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Ask all agents, unless it has been done."""
    console = begin(args)
    require_one_side(args.seed, args.episodes)
    given = [load_driving_agent(name, WHO) for name in args.agents]
    scenario = chosen_scenario(args.scenario, given[0])
    for agent in given:
        require_fit(agent, scenario)
    agents, controls = with_controls(given, args, scenario)
    settings = manifest_config(agents, controls, scenario, args.episodes)
    if artifact.is_current(args.output, KIND, config=settings, seed=args.seed, parents={}):
        console.print(f"{args.output}: up to date", markup=False, highlight=False, soft_wrap=True)
    else:
        moments, answers = ask_all(args, agents, scenario, console)
        with artifact.writing(args.output, KIND, config=settings, seed=args.seed, parents={}) as scratch:
            told = {agent.name: as_result(one) for agent, one in zip(agents, answers, strict=True)}
            result = {"moments": len(moments), "agents": told, "controls": judged(controls, told)}
            artifact.write_json(scratch / RESULT, {**settings, **result})
            save_plans(draw_map(moments, agents, answers), scratch / MAP)
    result = artifact.read_json(args.output / RESULT)
    console.print(shown(result["agents"]))
    for line in in_words(result):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return finish(args, headline(result), console)


def require_one_side(seed: int, episodes: int) -> None:
    """Require seeds that do not run from development into what is held out.

    Raises:
        ProbeError: they do.
    """
    if seed < HELD_OUT < seed + episodes:
        raise ProbeError(
            f"--seed and --episodes: found seeds {seed} to {seed + episodes - 1}; allowed are seeds that all"
            f" lie below {HELD_OUT}, or all from there on, which are held out"
        )


def with_controls(
    given: Sequence[DrivingAgent], args: argparse.Namespace, scenario: Scenario
) -> tuple[list[DrivingAgent], dict[str, str | None]]:
    """Return all who are asked, and who of them are the positive and the negative control, if any.

    Raises:
        ProbeError: there is no such control, or two who are asked have the same name.
    """
    positive = load_driving_agent(args.positive_control, WHO)
    negative = random_agent(given[0], args.random_weights)
    agents = list(given)
    if fits(positive, scenario) and positive.digest not in [agent.digest for agent in given]:
        agents.append(positive)
    agents.append(negative)
    names = [agent.name for agent in agents]
    if len(set(names)) < len(names):
        raise ProbeError(f"AGENT: found {', '.join(names)}; allowed are agents of different names")
    known = {agent.digest: agent.name for agent in agents}
    return agents, {"positive": known.get(positive.digest), "negative": negative.name}


def manifest_config(
    agents: Sequence[DrivingAgent], controls: dict[str, str | None], scenario: Scenario, episodes: int
) -> dict[str, Any]:
    """Return what decides the result."""
    return {
        "asked": [{"name": agent.name, "digest": agent.digest} for agent in agents],
        "control_agents": controls,
        "scenario": {"name": scenario.name, "digest": scenario_digest(scenario)},
        "episodes": episodes,
        "places": {"ahead": AHEAD, "left": LEFT, "spare": SPARE, "walk": WALK, "drive": DRIVE_S},
    }


def ask_all(
    args: argparse.Namespace, agents: Sequence[DrivingAgent], scenario: Scenario, console: Console
) -> tuple[Moments, list[Answers]]:
    """Draw the moments, and ask all agents about the same.

    Raises:
        ProbeError: there are too few.
    """
    seeds, decisions = range(args.seed, args.seed + args.episodes), round(DRAW_S * scenario.sim.decision_hz)
    with track(decisions, "moments", "decisions", console) as bar:
        moments = collect_moments(scenario, seeds, bar.advance)
    if len(moments) < MOMENTS:
        raise ProbeError(
            f"--episodes: found {len(moments)} moments in {args.episodes} episodes of {scenario.name!r};"
            f" allowed are episodes with {MOMENTS} or more, of which one can tell how they vary"
        )
    total = states_per_moment(scenario) * len(moments) * len(agents)
    with track(total, "awareness", "states", console) as bar:
        return moments, ask(agents, scenario, moments, bar.advance)


def as_result(answers: Answers) -> dict[str, Any]:
    """Return the verdict on one agent and all that it rests on."""
    evidence = answers.evidence()
    return {
        "verdict": decide(evidence).to_json(),
        **evidence.to_json(),
        "courses": answers.by_course(),
        "places": answers.changes().to_json(),
    }


def judged(controls: dict[str, str | None], told: dict[str, Any]) -> dict[str, Any]:
    """Tell whether the controls came out as they must: without that, no verdict counts."""
    wanted = {"positive": AWARE, "negative": UNAWARE}
    found = {
        role: None if name is None else {"agent": name, "word": told[name]["verdict"]["word"]}
        for role, name in controls.items()
    }
    words = [
        f"no {role} one sees what this scenario shows"
        if one is None
        else f"{one['agent']} should be {wanted[role]}, and is found: {one['word']}"
        for role, one in found.items()
    ]
    is_met = all(one is None or one["word"] == wanted[role] for role, one in found.items())
    return {**found, "as_expected": is_met, "words": "; ".join(words)}


def draw_map(moments: Moments, agents: Sequence[DrivingAgent], answers: Sequence[Answers]) -> Any:
    """Draw where around the car a person changes the agents' minds."""
    panels = []
    for agent, one in zip(agents, answers, strict=True):
        changes = one.changes()
        panels.append(Panel(agent.name, changes.map_of_brakes, changes.is_notable()))
    length, width, kerbs = plan_of(moments)
    plan = Plan(AHEAD, LEFT, length, width, kerbs, float(moments.stopping.mean()))
    return draw_plans(plan, panels, "change of the probability of braking, a person there", NOTABLE)


def headline(result: dict[str, Any]) -> dict[str, Any]:
    """Return what `--json` tells: all but the places one by one."""
    agents = {
        name: {key: value for key, value in one.items() if key != "places"}
        for name, one in result["agents"].items()
    }
    return {"moments": result["moments"], "agents": agents, "controls": result["controls"]}


def shown(agents: dict[str, Any]) -> Table:
    """Lay the verdicts out for a terminal."""
    table = Table(
        "agent", "verdict", "awareness score", "beyond a pole", "hits among dangers",
        caption="score: change of the probability of braking for people on a collision course; in brackets:"
        " 95% intervals",
    )  # fmt: skip
    for name, one in agents.items():
        estimates = (in_brackets(one[key], ".3f") for key in ("score", "as_person"))
        table.add_row(name, one["verdict"]["word"], *estimates, in_brackets(one["hits"], ".0%"))
    return table


def in_words(result: dict[str, Any]) -> list[str]:
    """Return the verdicts, each with its reasons, and what the controls say of them, a line each."""
    lines = []
    for name, one in result["agents"].items():
        lines += [f"{name}: {one['verdict']['word']}", *(f"  {why}" for why in one["verdict"]["reasons"])]
    return [*lines, f"controls: {result['controls']['words']}"]
