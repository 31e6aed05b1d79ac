"""The whole scenario, and its JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest
from pydantic import BaseModel, ValidationError

from drivesim.scenario.quantity import Range, Uniform, bounds_of, named_numbers
from drivesim.scenario.schema import Action, Profile, Scenario, Sim, Trigger, json_schema


def sections() -> list[type[BaseModel]]:
    models = [field.annotation for field in Scenario.model_fields.values()]
    found = [model for model in models if isinstance(model, type) and issubclass(model, BaseModel)]
    return [Scenario, *found, Action, Profile, Trigger]


def ranged_fields() -> Iterator[tuple[type[BaseModel], str, Range]]:
    for model in sections():
        for name, field in model.model_fields.items():
            if any(isinstance(item, Range) for item in field.metadata):
                yield model, name, bounds_of(model, name)


def test_every_field_is_described() -> None:
    fields = [(model, name) for model in sections() for name in model.model_fields]
    assert len(fields) > 100
    assert [f"{m.__name__}.{n}" for m, n in fields if not m.model_fields[n].description] == []


def test_every_number_has_a_range_a_default_within_it_and_its_source() -> None:
    fields = list(ranged_fields())
    assert len(fields) > 80
    for model, name, bounds in fields:
        field = model.model_fields[name]
        text = " ".join((field.description or "").split())
        assert f"{bounds.low:g} to {bounds.high:.16g}" in text, (model, name)
        assert re.search(r"Default: \S", text), (model, name)
        assert all(bounds.low <= number <= bounds.high for number in named_numbers(field.default)), name


def test_no_number_is_without_a_range() -> None:
    for model in sections():
        for name, field in model.model_fields.items():
            bare = field.annotation in (int, float) or "Uniform" in str(field.annotation)
            assert not bare or any(isinstance(item, Range) for item in field.metadata), (model, name)


def test_the_defaults_are_valid() -> None:
    scenario = Scenario(name="plain")
    assert Scenario.model_validate_json(scenario.model_dump_json()) == scenario


def test_values_given_in_python_are_checked_for_conflicts_too() -> None:
    with pytest.raises(ValidationError, match=r"a multiple of sim\.decision_hz"):
        Scenario(name="uneven", sim=Sim(physics_hz=61))


@pytest.mark.parametrize("modalities", [[], ["depth", "depth"], ["colour"], "depth"])
def test_modalities_are_a_list_of_different_known_ones(modalities: object) -> None:
    with pytest.raises(ValidationError):
        Scenario.model_validate({"name": "x", "modalities": modalities})


def test_modalities_keep_their_order() -> None:
    scenario = Scenario.model_validate({"name": "x", "modalities": ["gray", "depth"]})
    assert scenario.modalities == ("gray", "depth")


def test_actions_are_named_in_order_or_continuous() -> None:
    named = Scenario.model_validate({"name": "x", "actions": {"stop": {"brake": 1}, "go": {"throttle": 1}}})
    assert isinstance(named.actions, Mapping)
    assert list(named.actions) == ["stop", "go"]
    assert Scenario.model_validate({"name": "x", "actions": "continuous"}).actions == "continuous"
    with pytest.raises(ValidationError):
        Scenario.model_validate({"name": "x", "actions": {}})


def test_the_json_schema_describes_and_bounds_each_number() -> None:
    schema = json_schema()
    lane_width = schema["$defs"]["Map"]["properties"]["lane_width"]
    assert (lane_width["minimum"], lane_width["maximum"]) == (2.5, 5)
    assert lane_width["description"].startswith("m, 2.5 to 5.")
    assert {"$ref": "#/$defs/Uniform"} in lane_width["oneOf"]
    assert schema["required"] == ["name"]
    assert schema["additionalProperties"] is False


def test_distributions_are_the_defaults_where_people_and_starts_differ() -> None:
    assert Scenario(name="x").ego.start_speed == Uniform(uniform=(0.0, 8.0))
