"""Where the target `blind` looks for a person in driving states, and which actions brake."""

from __future__ import annotations

import numpy as np
import torch

from drivesim.envs.actions import action_names, control_table
from drivesim.render.semantics import NUM_CLASSES, SemanticClass
from drivesim.scenario.schema import Scenario
from probes.agent import ProbeError
from probes.domains.viewpoint import make_viewpoint, stopping_region
from probes.states import StateLayout
from probes.synthesis.targets import Region

ENOUGH = 8.0
"""Pixels of person in the stopping path that make a person; the median of real states that hold one is 9."""


def braking_actions(scenario: Scenario) -> list[int]:
    """Return which actions brake.

    Raises:
        ProbeError: none does.
    """
    controls = control_table(scenario)
    brakes = [] if controls is None else np.flatnonzero(controls[:, 1] > 0).tolist()
    if not brakes:
        raise ProbeError(
            f"scenario {scenario.name!r}: found no action that brakes among"
            f" {', '.join(action_names(scenario))}; allowed are scenarios with one"
        )
    return brakes


def blind_region(scenario: Scenario, layout: StateLayout) -> Region:
    """Return what `blind` needs to know of a scenario.

    Args:
        scenario: in which the agent drives, by named actions.
        layout: of the states that it sees.

    Raises:
        ProbeError: the states show no driving classes, or no action brakes.
    """
    planes = [(plane, channels) for plane, channels, _ in layout.slices() if plane.kind == "class"]
    if len(planes) != 1 or planes[0][0].channels != NUM_CLASSES:
        found = ", ".join(f"{plane.name} ({plane.kind}, {plane.channels})" for plane in layout.planes)
        raise ProbeError(f"target 'blind': found planes {found}; allowed: one class plane of {NUM_CLASSES}")
    brakes = tuple(braking_actions(scenario))
    weights = torch.from_numpy(stopping_region(make_viewpoint(scenario)).astype(np.float32))
    return Region(planes[0][1].start + int(SemanticClass.PERSON), weights, ENOUGH, brakes)
