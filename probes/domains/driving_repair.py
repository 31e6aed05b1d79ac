"""Training on what was found: half of the hits are scenarios to learn from, the others tell what it did."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from drivesim.cli import main as drivesim
from drivesim.rl.resume import latest_checkpoint
from probes.agent import ProbeError
from probes.domains.driving import DrivingAgent
from probes.domains.driving_replay import drive_seeds
from probes.domains.moment_scenario import as_yaml
from probes.moment_replay import FEW, MARGIN, OPEN, ByMoment, more_often, tell
from probes.replay import Outcome, summarise
from probes.statistics import Estimate

BEFORE, AFTER, CONTROL = "before", "after", "control"
"""Who drives: the agent, the one trained on with found scenarios, and one trained as long without them."""
TRAINED, HELD_OUT = "trained on", "held out"
"""Found scenarios, by what they were used for."""
MENDED, AS_BEFORE = "mended", "not mended"
REPEATED = 0.5
"""Share of its seeds for which a found scenario must end in an avoidable hit to count as found."""
SPREAD_M = 10.0
"""m to either side by which a crossing to learn from is moved along the block, lest its place be learned."""
RECIPE = ("--normalise-advantages", "--entropy", "0.005", "--learning-rate", "0.0005")
"""Of training on: smaller steps and less exploration than from scratch, so that what it knows is kept."""

Drives = dict[str, list[list[Outcome]]]
"""By place, of each scenario, or of each seed where there is but one, the drives that count as one trial."""


def halves(folder: Path, files: Iterable[Mapping[str, Any]]) -> tuple[list[Path], list[Path]]:
    """Split found scenarios into those to learn from and those held out, every other one.

    Args:
        folder: in which they lie.
        files: what `probes replay-moments` says of each.
    """
    kept = [folder / one["file"] for one in files if one["file"] and one["again"]["value"] >= REPEATED]
    return kept[::2], kept[1::2]


def write_mix(files: Sequence[Path], folder: Path) -> None:
    """Write found scenarios into a folder, for `drivesim train --mix`: each crossing somewhere in the block.

    Raises:
        ScenarioError: one is not valid any more.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        told = yaml.safe_load(file.read_text())
        place = told["ego"]["start_position"]
        told["ego"]["start_position"] = {"uniform": [max(place - SPREAD_M, 0.0), place + SPREAD_M]}
        (folder / file.name).write_text(as_yaml(told))


def home_file(agent: DrivingAgent, folder: Path) -> str:
    """Return where an agent learned as `drivesim train` takes it; one's own scenario is written to a folder.

    Raises:
        ProbeError: it is not there any more, or not valid.
    """
    if agent.definition is None:
        return agent.scenario
    file = folder / f"{agent.scenario}.yaml"
    told = agent.home().model_dump(mode="json", exclude={"extends"})
    file.write_text(as_yaml(told))
    return str(file)


def train_on(agent: str, scenario: str, run: Path, steps: int, seed: int, mix: Path | None) -> None:
    """Train an agent on, or go on with it.

    Args:
        agent: to start from.
        scenario: that it knows.
        run: where to keep what comes of it.
        steps: decisions in all.
        seed: of the training.
        mix: what half of the towns play instead, if anything.

    Raises:
        ProbeError: it was interrupted, or has failed.
    """
    begun = ("--resume",) if latest_checkpoint(run) else ("--init", agent)
    mixed = () if mix is None else ("--mix", str(mix))
    place = ("--run", os.path.relpath(run, "runs"), "--steps", str(steps), "--seed", str(seed))
    status = drivesim(["train", scenario, *place, *begun, *mixed, *RECIPE])
    if status:
        raise ProbeError(f"{run}: training ended with status {status}; the same command goes on from there")


def drive_all(
    agent: str, places: Mapping[str, Sequence[str]], seeds: range, report: Callable[[int], None]
) -> Drives:
    """Drive the same seeds in every scenario of every place.

    Args:
        agent: who.
        places: their scenarios.
        seeds: of the episodes.
        report: told after each scenario how many episodes have come to it.
    """
    drives: Drives = {}
    for place, scenarios in places.items():
        found = []
        for scenario in scenarios:
            found.append(drive_seeds(agent, scenario, seeds))
            report(len(seeds))
        # Towns of a found scenario are alike; those of another one are not.
        drives[place] = found if place in (TRAINED, HELD_OUT) else [[one] for one in found[0]]
    return drives


def as_result(drives: Mapping[str, Drives]) -> dict[str, Any]:
    """Sum up the drives of all three, by driver and place, and compare them."""
    after = drives[AFTER]
    less = {
        other: {place: more_often(after[place], drives[other][place]) for place in after}
        for other in (BEFORE, CONTROL)
    }
    return {
        "drivers": {
            name: {place: _summed(one) for place, one in by_place.items()}
            for name, by_place in drives.items()
        },
        "after_less": {
            other: {place: asdict(gap) for place, gap in gaps.items()} for other, gaps in less.items()
        },
        "verdict": verdict(less[BEFORE][HELD_OUT], less[CONTROL][HELD_OUT], len(after[HELD_OUT])),
    }


def _summed(drives: ByMoment) -> dict[str, Any]:
    told = tell(drives)
    speed = summarise([drive for one in drives for drive in one]).mean_speed
    return {"trials": told.moments, "avoidable": asdict(told.avoidable), "mean_speed": asdict(speed)}


def verdict(less_before: Estimate, less_control: Estimate, scenarios: int) -> str:
    """Say whether training on found scenarios mends what others like them show.

    Args:
        less_before: by how much more often it hits people, in those held out, than before.
        less_control: likewise, than after as much training without them.
        scenarios: held out.
    """
    if scenarios < FEW:
        return OPEN
    if less_before.high < 0 and less_control.high < 0:
        return MENDED
    return AS_BEFORE if min(less_before.low, less_control.low) > -MARGIN else OPEN
