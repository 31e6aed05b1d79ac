"""The scenario: one frozen model of all that a YAML file may say. SI units, angles in rad."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from drivesim.scenario.conflicts import find_conflicts
from drivesim.scenario.people import Name, Pedestrians, Profile, Trigger
from drivesim.scenario.quantity import Choice, Normal, Quantity, Range, Section, Uniform
from drivesim.scenario.surroundings import Cars, Map, Signals
from drivesim.scenario.task import (
    DEFAULT_ACTIONS,
    Action,
    Camera,
    Ego,
    Noise,
    Reward,
    Sim,
    Termination,
)

__all__ = [
    "Action",
    "Camera",
    "Cars",
    "Choice",
    "Ego",
    "Map",
    "Modality",
    "Noise",
    "Normal",
    "Pedestrians",
    "Profile",
    "Quantity",
    "Reward",
    "Scenario",
    "Signals",
    "Sim",
    "Termination",
    "Trigger",
    "Uniform",
]

Modality = Literal["depth", "semantic", "gray"]


def _unique(modalities: tuple[Modality, ...]) -> tuple[Modality, ...]:
    if len(set(modalities)) < len(modalities):
        raise PydanticCustomError("repeated", "a modality is given twice; allowed: each of them once")
    return modalities


def _actions_tag(value: object) -> str:
    return "<continuous>" if isinstance(value, str) else "<named>"


Actions = Annotated[
    Annotated[Mapping[Name, Action], Field(min_length=1, max_length=64), Tag("<named>")]
    | Annotated[Literal["continuous"], Tag("<continuous>")],
    Discriminator(_actions_tag),
]


class Scenario(Section):
    """Everything that fixes a world, what is seen of it, and what is asked of a driver."""

    schema_version: Annotated[int, Range(1, 1, whole=True)] = 1
    """Version of this format, 1 to 1. Default: the only one."""
    name: Name
    """What the scenario is called; a shipped one as its file."""
    extends: Annotated[str, Field(max_length=255)] | None = None
    """The scenario that this one was merged over: a shipped name, or a file in the same folder."""
    description: Annotated[str, Field(max_length=2000)] = ""
    """What the scenario is for, in a sentence."""
    seed: Annotated[int, Range(0, 2**53 - 1, whole=True)] = 0
    """Seed of the buildings and of the signals' offsets, 0 to 9007199254740991 (what JSON
    keeps exactly). Default: 0."""
    sim: Sim = Sim()
    """Rates and duration."""
    map: Map = Map()
    """The town's geometry."""
    signals: Signals = Signals()
    """Traffic signals."""
    ego: Ego = Ego()
    """The car that is driven."""
    actions: Actions = DEFAULT_ACTIONS
    """Named discrete actions in their order, or `continuous`: throttle less brake, and steering, each -1 to
    1."""
    cars: Cars = Cars()
    """Other cars."""
    pedestrians: Pedestrians = Pedestrians()
    """People."""
    triggers: Annotated[tuple[Trigger, ...], Field(strict=False, max_length=16)] = ()
    """Scripted crossings, at most 16."""
    allow_unavoidable: bool = False
    """Whether people may step off although the ego could not stop any more."""
    camera: Camera = Camera()
    """The ego's camera."""
    modalities: Annotated[
        tuple[Modality, ...], Field(strict=False, min_length=1, max_length=3), AfterValidator(_unique)
    ] = ("semantic",)
    """What the camera gives: any of depth, semantic and gray, in this order."""
    stack: Annotated[int, Range(1, 16, whole=True)] = 4
    """Frames in an observation, 1 to 16. Default: Mnih (2015)."""
    stack_stride: Annotated[int, Range(1, 16, whole=True)] = 1
    """Decisions between stacked frames, 1 to 16. Default: every frame."""
    noise: Noise = Noise()
    """Sensor noise."""
    reward: Reward = Reward()
    """Weights of the reward's terms."""
    termination: Termination = Termination()
    """What ends an episode before its time."""

    @model_validator(mode="after")
    def _without_conflicts(self) -> Scenario:
        conflicts = find_conflicts(self)
        if conflicts:
            text = "; ".join(conflict.message for conflict in conflicts).replace("{", "{{").replace("}", "}}")
            raise PydanticCustomError("conflicts", "{text}", {"text": text, "conflicts": conflicts})
        return self


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a scenario file, each field described, for completion in editors."""
    schema = Scenario.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
