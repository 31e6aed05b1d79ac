"""Streets, signals and cars: the defaults that the issue of a scenario relies on."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from drivesim.scenario.surroundings import Cars, Map, Signals


def test_signals_default_to_the_known_times() -> None:
    signals = Signals()
    assert (signals.green, signals.yellow, signals.all_red, signals.walk) == (10, 3, 1, 7)


def test_lanes_may_be_chosen_per_episode_but_not_halved() -> None:
    assert Map.model_validate({"lanes": {"choice": [1, 2, 3]}}).lanes != 1
    with pytest.raises(ValidationError):
        Map.model_validate({"lanes": 1.5})


def test_sections_are_frozen() -> None:
    cars = Cars()
    with pytest.raises(ValidationError):
        cars.count = 3.0
