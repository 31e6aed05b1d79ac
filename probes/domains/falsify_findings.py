"""Falsification by synthesis: going on from the towns that findings show, among one who looks no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np

from drivesim.envs.snapshot import Snapshot
from drivesim.scenario.schema import Scenario
from drivesim.world.state import TownState
from probes.artifacts import artifact
from probes.data.state_set import StateSet
from probes.domains.driving_falsify import CARS, Crossing, Method, Starts, among, joined, next_ahead
from probes.domains.driving_moments import Moment, moment_of_sketch
from probes.domains.driving_realize import sketch_of
from probes.domains.moment_start import begin_at
from probes.domains.town_sketch import Sketcher
from probes.falsify import POPULATION, Meter, Proposals

DEEP = 2.0
"""m along the road, standard deviation; a pixel's depth at 13 m."""
PACE = 0.15
"""Of a walking speed, as a share."""
HURRY = 0.5
"""m/s of the ego."""


def findings_methods(moments: Sequence[Moment], base: Scenario, recorded_steps: int) -> Mapping[str, Method]:
    """Return the methods that go on from findings, by name.

    `synthesis` counts what was recorded for the search that made the findings; `synthesis-at-hand` does not,
    as for who has them anyway. Neither counts what the state model was fitted to.

    Args:
        moments: realised findings in which somebody is ahead.
        base: whose town it is.
        recorded_steps: decisions that were recorded for the search.
    """
    return {
        "synthesis": partial(by_findings, moments, base, recorded_steps),
        "synthesis-at-hand": partial(by_findings, moments, base, 0),
    }


def by_findings(
    moments: Sequence[Moment],
    base: Scenario,
    recorded_steps: int,
    crossing: Crossing,
    seed: int,
    meter: Meter,
) -> Proposals[Starts]:
    """Go on from findings in an order drawn by the seed: each as it is, then each varied, again and again."""
    del crossing  # which places points; these are placed already
    meter.spend(recorded_steps)
    if not moments:
        return
    rng, where = np.random.default_rng([seed, 2]), among(base, 1)
    towns = joined([begin_at(moment, where, [seed])[1].towns for moment in moments])
    for turn in count():
        order = rng.permutation(len(moments))
        for first in range(0, len(order), POPULATION):
            chosen = towns.select(order[first : first + POPULATION])
            if turn:
                vary(chosen, rng)
            yield Starts(where, Snapshot(chosen))


def vary(towns: TownState, rng: np.random.Generator) -> None:
    """Move everybody a little, as far as a picture leaves it open: by `DEEP`, `PACE` and `HURRY`."""
    ego, people = towns.ego, towns.people
    people["x"] += DEEP * rng.standard_normal(people.shape)
    people["walking_speed"] *= np.exp(PACE * rng.standard_normal(people.shape))
    ego["speed"] = np.clip(ego["speed"] + HURRY * rng.standard_normal(ego.shape), 0.0, ego["top_speed"])


def realised_moments(realized: Path, states: StateSet, scenario: Scenario) -> list[Moment]:
    """Return the findings of `probes realize` that are towns and show somebody ahead, reduced to him.

    Args:
        realized: what it wrote.
        states: that it was given.
        scenario: whose town it is.
    """
    sketcher = Sketcher(scenario, states.layout)
    rows = artifact.read_json(realized / "result.json")["states"]
    moments = [
        reduced(moment_of_sketch(sketcher, sketch_of(row), f"{row['target']} {row['finding']}"))
        for row in rows
        if row["is_realised"]
    ]
    return [moment for moment in moments if moment.towns.people.shape[1]]


def reduced(moment: Moment) -> Moment:
    """Leave of those who are seen the next person ahead, and the nearest `CARS` cars."""
    towns = moment.towns
    ego, cars = towns.ego[0], towns.cars[0]
    ranks = next_ahead(towns)[0]
    nearest = ranks.argsort()[: int(np.isfinite(ranks).any())]
    away = np.hypot(cars["x"] - ego["x"], cars["y"] - ego["y"]).argsort()[:CARS]
    left = TownState(towns.town.copy(), towns.ego, towns.cars[:, np.sort(away)], towns.people[:, nearest])
    left.town["num_cars"], left.town["num_people"] = left.cars.shape[1], left.people.shape[1]
    return replace(moment, towns=left)


def steps_recorded(states: StateSet) -> int:
    """Return how many decisions were taken to record states."""
    return int(states.taken.size)
