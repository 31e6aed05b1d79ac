"""A scenario as it is kept beside what was made in it: whole, so that it outlives its file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from drivesim.scenario.errors import Issue, ScenarioError
from drivesim.scenario.loader import load
from drivesim.scenario.schema import Scenario

DEFINITION = "scenario_definition"
"""Where the metadata of an agent has it; beside it stands the `scenario`'s name."""


def record_of(scenario: Scenario) -> dict[str, Any]:
    """Return all that a scenario says, inherited values and defaults included, as JSON holds it."""
    record: dict[str, Any] = json.loads(scenario.model_dump_json())
    return record


def recorded_scenario(name: str, record: Mapping[str, Any] | None, where: str) -> Scenario:
    """Return the scenario that an agent learned in: as it was recorded, else the shipped one of that name.

    Args:
        name: of the scenario.
        record: as `record_of` returned it; None if there is none.
        where: it was read, for messages.

    Raises:
        ScenarioError: what was recorded is not valid any more, or nothing was and no such one is shipped.
    """
    if record is None:
        return load(name)
    try:
        return Scenario.model_validate_json(json.dumps(record))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join([DEFINITION, *map(str, first["loc"])])
        raise ScenarioError([Issue(where, 1, 1, path, str(first["msg"]))]) from error
