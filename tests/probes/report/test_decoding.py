from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pytest

from probes.agent import ProbeError
from probes.report.decoding import decode


@dataclass(frozen=True)
class Square:
    side: float
    type: Literal["square"] = "square"


@dataclass(frozen=True)
class Circle:
    radius: float
    type: Literal["circle"] = "circle"

    def __post_init__(self) -> None:
        if self.radius < 0:
            raise ValueError("the radius is negative")


@dataclass(frozen=True)
class Drawing:
    name: str
    shapes: tuple[Square | Circle, ...]
    facts: dict[str, float | int | str | None] = field(default_factory=dict)
    is_done: bool = False


def test_records_are_built_by_their_type() -> None:
    shapes = [{"type": "circle", "radius": 2}, {"type": "square", "side": 0.5}]

    found = decode(Drawing, {"name": "a", "shapes": shapes}, "drawing.json")

    assert found == Drawing("a", (Circle(2.0), Square(0.5)))


def test_whole_numbers_texts_and_nothing_stay_what_they_are() -> None:
    facts = {"count": 3, "mean": 0.5, "by": "hand", "none": None}

    found = decode(Drawing, {"name": "a", "shapes": [], "facts": facts}, "drawing.json").facts

    assert found == facts
    assert isinstance(found["count"], int)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ([], "d.json: found []; allowed is an object"),
        ({"name": "a"}, "d.json: 'shapes' is missing; required are name, shapes"),
        ({"name": 1, "shapes": []}, "d.json.name: found 1; allowed is a text"),
        ({"name": "a", "shapes": {}}, "d.json.shapes: found {}; allowed is a list"),
        ({"name": "a", "shapes": [], "is_done": 1}, "d.json.is_done: found 1; allowed is true or false"),
        ({"name": "a", "shapes": [], "facts": 1}, "d.json.facts: found 1; allowed is an object"),
        (
            {"name": "a", "shapes": [], "facts": {"x": [1]}},
            "d.json.facts.x: found [1]; allowed is a number or a whole number or a text or null",
        ),
        (
            {"name": "a", "shapes": [{"type": "square", "side": True}]},
            "d.json.shapes[0].side: found True; allowed is a number",
        ),
        (
            {"name": "a", "shapes": [{"type": "circle", "radius": -1}]},
            "d.json.shapes[0]: the radius is negative",
        ),
        (
            {"name": "a", "shapes": [{"type": "sqare"}]},
            "d.json.shapes[0].type: 'sqare' is unknown; allowed are square, circle; did you mean 'square'?",
        ),
        ({"name": "a", "shapes": [3]}, "d.json.shapes[0]: found 3; allowed is an object"),
        (
            {"name": "a", "shapes": [], "fact": {}},
            "d.json: 'fact' is unknown; allowed are name, shapes, facts, is_done; did you mean 'facts'?",
        ),
    ],
)
def test_errors_name_the_place_what_was_found_and_what_is_allowed(data: object, complaint: str) -> None:
    with pytest.raises(ProbeError) as raised:
        decode(Drawing, data, "d.json")

    assert str(raised.value) == complaint
