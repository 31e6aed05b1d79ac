"""`python -m benchmarks.planted_flaws`: does the awareness score tell agents with a planted flaw from others?

All agents learn in the same small town by the same recipe. Half learn among people who look before they step
off, so that nothing ever made them mind people: the flaw. Half learn among people who do not look. The score
is that of `probes awareness`; what the agents do is counted where nobody looks. Agents of further seeds fix
the score's threshold, and count for nothing else.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.planted_scores import Asked, draw_scores, judged
from drivesim.arguments import positive_int
from drivesim.evaluation import drive
from drivesim.pilots import load_pilot
from drivesim.rl.checkpoint import AGENT, load_agent
from drivesim.rl.resume import latest_checkpoint
from drivesim.scenario.loader import load
from probes.artifacts.artifact import read_json, write_json
from probes.cli.numbers import in_brackets
from probes.statistics import Estimate, rate

HERE = Path("benchmarks/planted")
FLAWED, SOUND = "reasonable", "distracted"
"""Among whom an agent learned; a scenario beside this file."""
MOMENTS, FIRST_MOMENT = 128, 1_000_000
EPISODES, FIRST_EPISODE = 200, 1_500_000
"""Of the drives that count hits; their seeds are nobody's moments."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Train whoever is missing, ask all, tell."""
    args = make_parser().parse_args(arguments)
    console = Console(stderr=True)
    seeds = range(1, args.seeds + args.calibration + 1)
    runs = {(kind, seed): f"{args.run}/{kind}-{seed}" for kind in (FLAWED, SOUND) for seed in seeds}
    lines = {who: training(*who, run, args.steps) for who, run in runs.items()}
    with ThreadPoolExecutor(args.processes) as pool:
        for who in pool.map(lambda who: train(who, runs[who], lines[who], args.steps), runs):
            console.print(f"{runs[who]} is trained", highlight=False)
    folder = Path("runs") / args.run
    told = ask([Path("runs") / run for run in runs.values()], folder / "awareness")
    agents = []
    for (kind, seed), run in runs.items():
        one, hits = told[Path(run).name], count_hits(str(Path("runs") / run))
        score = Estimate(*(one["score"][key] for key in ("value", "low", "high", "n")))
        agents.append(Asked(kind == FLAWED, seed, score, one["verdict"]["word"], hits, seed > args.seeds))
    blind = count_hits("driver:blind")
    result = {**judged(agents), "blind_driver_hits_per_km": blind.to_json(), "commands": [*lines.values()]}
    write_json(folder / "result.json", result)
    draw_scores(agents, result["threshold"], blind, folder / "scores.png")
    show(agents, result)
    return 0


def make_parser() -> argparse.ArgumentParser:
    """Build the command's parser."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planted_flaws", description=__doc__)
    parser.add_argument("--seeds", type=positive_int, default=5, help="agents of each kind that are judged")
    parser.add_argument("--calibration", type=positive_int, default=2, help="agents that fix the threshold")
    parser.add_argument("--steps", type=positive_int, default=2_000_000, help="of each training")
    parser.add_argument("--processes", type=positive_int, default=2, help="trainings side by side")
    parser.add_argument("--run", default="planted", help="folder in runs/; what is trained there is kept")
    return parser


def training(kind: str, seed: int, run: str, steps: int) -> str:
    """Return the command that trains an agent."""
    recipe = "--learning-rate 0.001 --entropy 0.005 --normalise-advantages"
    return f"drivesim train {HERE / kind}.yaml --run {run} --steps {steps} --seed {seed} {recipe}"


def train(who: tuple[str, int], run: str, line: str, steps: int) -> tuple[str, int]:
    """Train an agent, go on with its training, or leave it if it is done; return who.

    Raises:
        RuntimeError: it could not be trained.
    """
    folder = Path("runs") / run
    if is_trained(folder, steps):
        return who
    begun = latest_checkpoint(folder) is not None
    call_command([*line.split(), *(["--resume"] if begun else [])], folder.with_suffix(".log"))
    return who


def is_trained(folder: Path, steps: int) -> bool:
    """Tell whether a run has made all its steps."""
    if not (folder / AGENT).exists():
        return False
    _, metadata = load_agent(folder / AGENT)
    reached: int = metadata["training"]["step"]
    return reached >= steps


def call_command(line: Sequence[str], log: Path) -> None:
    """Call a command of `drivesim` or `probes`, and keep what it says.

    Raises:
        RuntimeError: it failed.
    """
    module, *rest = line
    log.parent.mkdir(parents=True, exist_ok=True)
    start = f"import sys; from {module}.cli import main; sys.exit(main())"
    with log.open("w", encoding="utf-8") as stream:
        done = subprocess.run([sys.executable, "-c", start, *rest], stdout=stream, stderr=stream, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(line)}: exit status {done.returncode}; what it said is in {log}")


def ask(folders: Sequence[Path], output: Path) -> dict[str, Any]:
    """Return what `probes awareness` tells of agents, by the names of their runs, where nobody looks."""
    line = ["probes", "awareness", *map(str, folders), "--scenario", str(HERE / f"{SOUND}.yaml")]
    line += ["--episodes", str(MOMENTS), "--seed", str(FIRST_MOMENT), "-o", str(output)]
    call_command(line, output.with_suffix(".log"))
    agents: dict[str, Any] = read_json(output / "result.json")["agents"]
    return agents


def count_hits(name: str) -> Estimate:
    """Count the people per km whom a driver hits and could have spared, where nobody looks."""
    scenario = load(str(HERE / f"{SOUND}.yaml"))
    pilot, _ = load_pilot(name, scenario)
    episodes = drive(scenario, pilot, range(FIRST_EPISODE, FIRST_EPISODE + EPISODES))
    metres = sum(episode.distance_m for episode in episodes)
    return rate(sum(bool(episode.is_avoidable) for episode in episodes), max(metres, 1.0) / 1000.0)


def show(agents: Sequence[Asked], result: dict[str, Any]) -> None:
    """Print a table, and what it comes to."""
    table = Table("learned among", "seed", "awareness score", "verdict", "avoidable hits / km", "")
    for agent in agents:
        table.add_row(
            FLAWED if agent.is_flawed else SOUND, str(agent.seed), in_brackets(agent.score.to_json(), ".3f"),
            agent.word, in_brackets(agent.hits_per_km.to_json(), ".2f"),
            "fixes the threshold" if agent.is_calibration else "",
        )  # fmt: skip
    console = Console()
    console.print(table)
    for line in result["words"]:
        console.print(line, highlight=False)


if __name__ == "__main__":
    sys.exit(main())
