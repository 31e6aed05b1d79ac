"""A hit that followed a moment, as a scenario of its own: the same start, and one scripted crossing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from drivesim.evaluation import drive
from drivesim.scenario.errors import ScenarioError
from drivesim.scenario.loader import loads, shipped_names
from drivesim.scenario.schema import Scenario
from drivesim.world.state import CROSSING
from probes.domains.driving_replay import load_driver, load_scenario
from probes.domains.moment_drives import Record
from probes.statistics import Estimate, share

_DIGITS = 3
_SLOW = 1.0
"""m/s below which a time to collision says little; the distance is written instead."""
_STANDING_M = 2.0
"""m at which he steps off before an ego that hardly moves; it can stop within."""
_LONGEST_S = 20.0
"""s, the most that a trigger's time to collision may be."""


class NoCrossing(ValueError):
    """A hit cannot be told as one scripted crossing; the message says why."""


def crossing_of(record: Record) -> dict[str, Any]:
    """Return a scripted crossing, and where the ego starts for it, from a drive that ended in a hit.

    Whoever was on the road already when the moment began, is taken to have stepped off before, while the ego
    came nearer at the speed that it had.

    Returns:
        `trigger` as a scenario has it, and `back`, m that the start lies behind the moment's.

    Raises:
        NoCrossing: nobody was hit, he did not cross, or what is needed lies outside of what a trigger allows.
    """
    if record.drive.person is None:
        raise NoCrossing("nobody was hit")
    first = _stepped_off(record, record.drive.person)
    town = record.towns[first]
    person, ego = town.people[0, record.drive.person], town.ego[0]
    walked = 0.0
    if first == 0:  # he may be on the road already
        now = town.town["tick"][0] / record.scenario.sim.physics_hz
        walked = float(max(now - person["started"], 0.0))
    speed = float(max(ego["speed"], 0.0))
    distance = float(person["x"] - ego["x"] - ego["half_length"]) + walked * speed
    started = record.towns[0].ego[0]
    back = walked * float(started["speed"]) if first == 0 else 0.0
    position = float(person["x"] - started["x"]) + back
    if distance <= 0 or position < 5:
        raise NoCrossing(f"he stepped off {distance:.1f} m ahead, {position:.1f} m from the start")
    is_timed = speed > _SLOW and distance / speed <= _LONGEST_S
    trigger = {
        "position": position,
        "side": "left" if person["side"] > 0 else "right",
        "time_to_collision": distance / speed if is_timed else 0.0,
        "minimum_distance": min(distance, _STANDING_M) if is_timed else distance,
        "speed": float(np.clip(person["walking_speed"], 0.3, 4.0)),
    }
    return {"trigger": trigger, "back": back}


def _stepped_off(record: Record, person: int) -> int:
    """Return the decision from which on a person has been crossing until the end."""
    modes = np.array([town.people[0, person]["mode"] for town in record.towns])
    if modes[-1] != CROSSING:
        raise NoCrossing("who was hit did not cross")
    before = np.flatnonzero(modes != CROSSING)
    return int(before[-1]) if len(before) else 0


def write_scenario(record: Record, base: Scenario, name: str, note: str) -> str:
    """Write the scenario file of a drive that ended in a hit.

    The buildings, the other cars and the phase of the lights are not the moment's: a scenario draws them.

    Args:
        record: of the drive.
        base: the scenario that it was driven in.
        name: of the new one.
        note: what stands above it.

    Returns:
        YAML that `drivesim.scenario.loader` accepts.

    Raises:
        NoCrossing: as of `crossing_of`.
        ScenarioError: the ego starts where no scenario may let it.
    """
    crossing = crossing_of(record)
    ego, length = record.scenario.ego, float(record.towns[0].town["block_length"][0])
    start = {
        "start_position": (float(ego.start_position) - crossing["back"]) % length,  # type: ignore[arg-type]
        "lateral_offset": ego.lateral_offset,
        "heading_offset": ego.heading_offset,
        "start_speed": max(float(ego.start_speed), 0.0),  # type: ignore[arg-type]
    }
    told: dict[str, Any] = {"schema_version": 1, "name": name}
    if base.name in shipped_names():
        told["extends"] = base.name
    else:
        told |= base.model_dump(mode="json", exclude={"name", "schema_version", "extends", "triggers"})
    told |= {
        "description": note,
        "ego": {**told.get("ego", {}), **_rounded(start)},
        "cars": {**told.get("cars", {}), "count": 0},
        "pedestrians": {**told.get("pedestrians", {}), "count": 0},
        "triggers": [_rounded(crossing["trigger"])],
    }
    try:
        return as_yaml(told)
    except ScenarioError:  # a faster ego could not stop any more; this one could
        return as_yaml({**told, "allow_unavoidable": True})


def as_yaml(told: Mapping[str, Any]) -> str:
    """Write a scenario as YAML.

    Raises:
        ScenarioError: it is not valid.
    """
    text = yaml.safe_dump(dict(told), sort_keys=False, width=100)
    loads(text.encode())
    return text


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: round(float(value), _DIGITS) if isinstance(value, float | np.floating) else value
        for name, value in values.items()
    }


def hit_share(file: Path, agent: str, seeds: Sequence[int]) -> Estimate:
    """Drive a scenario file and return the share of episodes that end in a hit that could be avoided.

    Raises:
        ProbeError: the file is no scenario, or the agent does not fit it.
    """
    where = load_scenario(str(file))
    drives = drive(where, load_driver(agent, where), seeds)
    return share(sum(bool(episode.is_avoidable) for episode in drives), len(drives))
