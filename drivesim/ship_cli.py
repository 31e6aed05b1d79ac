"""`drivesim ship`: turn a finished run into an agent with its record: weights, curve, held-out evaluation."""

from __future__ import annotations

import argparse
import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console

from drivesim.agents import agents_directory
from drivesim.arguments import positive_int
from drivesim.envs.vector import HELD_OUT
from drivesim.evaluate_cli import drive_with_progress, summary_table
from drivesim.evaluation import summarise
from drivesim.pilots import load_pilot
from drivesim.rl.checkpoint import AGENT, CheckpointError
from drivesim.scenario.loader import load

POINTS = 60
"""Points of a curve; each averages some lines of the log."""
PANELS = ("mean_return", "episode/distance_m", "entropy")


def add_parser(commands: Any) -> None:
    """Add `ship`."""
    parser = commands.add_parser(
        "ship", help="evaluate a finished run on held-out seeds and keep it as an agent"
    )
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="a run in runs/, after those it was started from, if any",
    )
    parser.add_argument("--scenarios", nargs="+", default=["reasonable", "distracted"], metavar="SCENARIO")
    parser.add_argument("--episodes", type=positive_int, default=200)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIRECTORY", help="default: with the shipped agents"
    )
    parser.set_defaults(func=run_ship)


def run_ship(args: argparse.Namespace) -> int:
    """Copy weights and curve, then evaluate the very file that was copied."""
    torch.set_num_threads(1)
    name = args.runs[-1]
    run = Path("runs") / name
    if not (run / AGENT / "agent.json").is_file():
        raise CheckpointError(f"{run}: holds no agent; allowed is a run that has saved one")
    target = args.output or agents_directory() / name
    target.mkdir(parents=True, exist_ok=True)
    for file in ("agent.json", "agent.safetensors"):
        shutil.copy(run / AGENT / file, target / file)
    write_curve(target, read_logs([Path("runs") / each for each in args.runs]))
    summaries, episodes = {}, {}
    seeds = range(HELD_OUT, HELD_OUT + args.episodes)
    for place in args.scenarios:
        scenario = load(place)
        for who, source in ((name, str(target.resolve())), ("driver:blind", "driver:blind")):
            pilot, _ = load_pilot(source, scenario)
            label = f"{who} in {place}"
            drives = drive_with_progress(scenario, pilot, seeds, label)
            summaries[label] = summarise(drives)
            if who == name:
                episodes[place] = [asdict(e) for e in drives]
    evaluation = {
        "command": args.line,
        "summaries": summaries,
        "episodes": episodes,
    }
    (target / "evaluation.json").write_text(json.dumps(evaluation))
    Console().print(summary_table(summaries))
    return 0


def read_logs(runs: Sequence[Path]) -> list[dict[str, Any]]:
    """Read the logs of runs that went on from each other, their steps and times counted on."""
    records: list[dict[str, Any]] = []
    for run in runs:
        before = {key: records[-1][key] if records else 0 for key in ("step", "time_s")}
        for line in (run / "log.jsonl").read_text().splitlines():
            record = json.loads(line)
            records.append(record | {key: record[key] + start for key, start in before.items()})
    return records


def write_curve(target: Path, records: list[dict[str, Any]], panels: Sequence[str] = PANELS) -> None:
    """Write the training curve: averages of the log as JSON lines, and a picture of some of them."""
    kept = {"mean_return", "mean_length", "entropy", "value_loss", "learning_rate", "steps_per_s", *panels}
    lines = []
    width = max(math.ceil(len(records) / POINTS), 1)
    for start in range(0, len(records), width):
        window = records[start : start + width]
        keys = [k for k in window[-1] if k in kept or k.startswith("episode/")]
        values: dict[str, float] = {"step": window[-1]["step"], "time_s": window[-1]["time_s"]}
        for key in keys:
            numbers = [r[key] for r in window if r.get(key) is not None]
            if numbers:
                values[key] = float(np.mean(numbers))
        lines.append(values)
    (target / "curve.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    picture = np.concatenate([plot(lines, key) for key in panels], 1)
    cv2.imwrite(str(target / "curve.png"), picture)


def plot(lines: list[dict[str, float]], key: str, width: int = 420, height: int = 260) -> NDArray[np.uint8]:
    """Draw one figure of a training over its steps."""
    picture = np.full((height, width, 3), 255, np.uint8)
    points = [(line["step"], line[key]) for line in lines if key in line]
    if len(points) < 2:
        return picture
    x, y = np.array(points).T
    low, high = float(y.min()), float(y.max())
    left, right, top, bottom = 60, width - 15, 30, height - 35
    columns = left + (x - x[0]) / max(x[-1] - x[0], 1) * (right - left)
    rows = bottom - (y - low) / max(high - low, 1e-9) * (bottom - top)
    cv2.rectangle(picture, (left, top), (right, bottom), (200, 200, 200), 1)
    line = np.stack([columns, rows], 1).round().astype(np.int32)
    cv2.polylines(picture, [line], False, (178, 114, 0), 2, cv2.LINE_AA)
    font, ink = cv2.FONT_HERSHEY_SIMPLEX, (40, 40, 40)
    cv2.putText(picture, key.replace("episode/", ""), (left, 20), font, 0.5, ink, 1, cv2.LINE_AA)
    cv2.putText(picture, f"{high:.3g}", (8, top + 8), font, 0.4, ink, 1, cv2.LINE_AA)
    cv2.putText(picture, f"{low:.3g}", (8, bottom), font, 0.4, ink, 1, cv2.LINE_AA)
    cv2.putText(
        picture, f"{x[-1] / 1e6:.1f} M steps", (right - 90, height - 12), font, 0.4, ink, 1, cv2.LINE_AA
    )
    return picture
