"""Numbers that may be distributions: their models, their bounds, and their form for numba kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Tag,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

CONSTANT, UNIFORM, NORMAL, CHOICE = range(4)
"""Codes in `QuantityTable.kind`."""

MAX_CHOICES = 16
NORMAL_CUT = 3.0
"""A normal is cut at this many standard deviations, so that a check of its worst case is exact."""


class Section(BaseModel):
    """A frozen part of a scenario that refuses unknown keys and values of another type."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Uniform(Section):
    """Every value between two ends alike."""

    uniform: Annotated[tuple[float, float], Field(strict=False)]
    """The ends [a, b], a <= b."""

    @model_validator(mode="after")
    def _ends_in_order(self) -> Uniform:
        if self.uniform[0] > self.uniform[1]:
            raise PydanticCustomError("ends", "the ends are swapped; allowed: [a, b] with a <= b")
        return self


class Normal(Section):
    """The normal distribution, cut at three standard deviations and at the field's bounds."""

    normal: Annotated[tuple[float, float], Field(strict=False)]
    """[mean, standard deviation], the deviation >= 0."""

    @model_validator(mode="after")
    def _deviation_not_negative(self) -> Normal:
        if self.normal[1] < 0:
            raise PydanticCustomError("deviation", "a negative deviation; allowed: [mean, deviation >= 0]")
        return self


class Choice(Section):
    """One of a few values, each alike."""

    choice: Annotated[tuple[float, ...], Field(strict=False, min_length=1, max_length=MAX_CHOICES)]
    """1 to 16 values."""


def _tag(value: object) -> str | None:
    """Name the branch of `Quantity` that a value is meant for; None when it is none of them."""
    keys = ("uniform", "normal", "choice")
    if isinstance(value, Mapping):
        return next((f"<{key}>" for key in keys if key in value), None)
    return next((f"<{key}>" for key in keys if hasattr(value, key)), "<number>")


Quantity = Annotated[
    Annotated[float, Tag("<number>")]
    | Annotated[Uniform, Tag("<uniform>")]
    | Annotated[Normal, Tag("<normal>")]
    | Annotated[Choice, Tag("<choice>")],
    Discriminator(_tag),
]
"""A number, or a distribution from which it is drawn."""


def is_distribution(value: object) -> bool:
    """Say whether a plain mapping spells a distribution, such as `{"uniform": [0, 1]}`."""
    return isinstance(value, Mapping) and bool(value) and set(value) <= {"uniform", "normal", "choice"}


@dataclass(frozen=True)
class Range:
    """The bounds of a field, for `Annotated`; both are allowed, `whole` refuses fractions."""

    low: float
    high: float
    whole: bool = False

    def check(self, value: Any) -> Any:
        """Return `value` when each number it names is within the bounds; raise PydanticCustomError if not."""
        for number in named_numbers(value):
            if not self.low <= number <= self.high:
                raise PydanticCustomError("out_of_range", f"found {number:g}; allowed: {self}")
            if self.whole and number != int(number):
                raise PydanticCustomError("fraction", f"found {number:g}; allowed: {self}")
        return value

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {self.low:.16g} to {self.high:.16g}"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        # JSON Schema applies these keywords to numbers alone, so they may stand beside `oneOf`.
        return {**handler(schema), "minimum": self.low, "maximum": self.high}


def named_numbers(quantity: float | Uniform | Normal | Choice) -> tuple[float, ...]:
    """List the numbers that must lie within a field's bounds: of a normal, the mean alone."""
    if isinstance(quantity, Uniform):
        return quantity.uniform
    if isinstance(quantity, Normal):
        return quantity.normal[:1]
    if isinstance(quantity, Choice):
        return quantity.choice
    return (quantity,)


def support(quantity: float | Uniform | Normal | Choice, low: float, high: float) -> tuple[float, float]:
    """Return the least and the greatest value that can be drawn, given the field's bounds."""
    if isinstance(quantity, Normal):
        mean, deviation = quantity.normal
        return max(low, mean - NORMAL_CUT * deviation), min(high, mean + NORMAL_CUT * deviation)
    numbers = named_numbers(quantity)
    return float(min(numbers)), float(max(numbers))


def bounds_of(model: type[BaseModel], name: str) -> Range:
    """Return the range declared for a number or a bool (0 to 1) of a section; raise TypeError for others."""
    field = model.model_fields[name]
    found = next((item for item in field.metadata if isinstance(item, Range)), None)
    if found is None and field.annotation is bool:
        found = Range(0.0, 1.0, whole=True)
    if found is None:
        raise TypeError(f"{model.__name__}.{name} is neither a number with a range nor a bool")
    return found


def support_of(section: BaseModel, name: str) -> tuple[float, float]:
    """Return the least and the greatest value that the field `name` of a section can take."""
    bounds = bounds_of(type(section), name)
    return support(getattr(section, name), bounds.low, bounds.high)


class EncodedQuantity(NamedTuple):
    """One row of a `QuantityTable`."""

    kind: int
    a: float
    b: float
    low: float
    high: float
    choices: tuple[float, ...]


def encode(
    quantity: float | Uniform | Normal | Choice, low: float, high: float, whole: bool = False
) -> EncodedQuantity:
    """Spell a quantity in plain numbers.

    Args:
        quantity: a number or a distribution, already within the bounds.
        low: least value allowed.
        high: greatest value allowed.
        whole: whether draws are rounded; a uniform is then widened by half a unit at either end, so that
            after clipping and rounding all whole numbers are alike.

    Returns:
        kind, its parameters a and b (the constant; the ends; mean and deviation), the least and greatest
        value of a draw, and the values of a choice.
    """
    least, greatest = support(quantity, low, high)
    if isinstance(quantity, Uniform):
        margin = 0.5 if whole else 0.0
        return EncodedQuantity(UNIFORM, least - margin, greatest + margin, least, greatest, ())
    if isinstance(quantity, Normal):
        mean, deviation = quantity.normal
        return EncodedQuantity(NORMAL, mean, deviation, least, greatest, ())
    if isinstance(quantity, Choice):
        return EncodedQuantity(CHOICE, 0.0, 0.0, least, greatest, quantity.choice)
    return EncodedQuantity(CONSTANT, float(quantity), 0.0, least, greatest, ())


@dataclass(frozen=True)
class QuantityTable:
    """R quantities as arrays. A draw is clipped to [low, high], then rounded where `whole`."""

    kind: NDArray[np.int8]
    """(R,) CONSTANT, UNIFORM, NORMAL or CHOICE."""
    a: NDArray[np.float64]
    """(R,) the constant; a uniform's lower end; a normal's mean."""
    b: NDArray[np.float64]
    """(R,) a uniform's upper end; a normal's standard deviation."""
    low: NDArray[np.float64]
    """(R,) least value of a draw."""
    high: NDArray[np.float64]
    """(R,) greatest value of a draw."""
    choices: NDArray[np.float64]
    """(R, 16), the first `num_choices` of a row in use."""
    num_choices: NDArray[np.int64]
    """(R,)."""
    whole: NDArray[np.bool_]
    """(R,) whether a draw is rounded to a whole number."""


def compile_quantities(model: BaseModel, names: Sequence[str]) -> QuantityTable:
    """Compile the numbers and bools of one section, in the order given, to a table a kernel can draw from.

    Args:
        model: a section of a scenario.
        names: R names of its fields.

    Returns:
        One row for each name.

    Raises:
        TypeError: a field is neither a number with a range nor a bool.
    """
    ranges = [bounds_of(type(model), name) for name in names]
    rows = [
        encode(getattr(model, name), bounds.low, bounds.high, bounds.whole)
        for name, bounds in zip(names, ranges, strict=True)
    ]
    choices = np.zeros((len(rows), MAX_CHOICES))
    for index, row in enumerate(rows):
        choices[index, : len(row.choices)] = row.choices
    return QuantityTable(
        kind=np.array([row.kind for row in rows], dtype=np.int8),
        a=np.array([row.a for row in rows], dtype=np.float64),
        b=np.array([row.b for row in rows], dtype=np.float64),
        low=np.array([row.low for row in rows], dtype=np.float64),
        high=np.array([row.high for row in rows], dtype=np.float64),
        choices=choices,
        num_choices=np.array([len(row.choices) for row in rows], dtype=np.int64),
        whole=np.array([bounds.whole for bounds in ranges], dtype=np.bool_),
    )
