"""Distributions: bounds, worst cases, and the table for kernels."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pytest
from pydantic import ValidationError

from drivesim.scenario.quantity import (
    CHOICE,
    CONSTANT,
    NORMAL,
    UNIFORM,
    Choice,
    Normal,
    Quantity,
    Range,
    Section,
    Uniform,
    compile_quantities,
    encode,
    is_distribution,
    support,
    support_of,
)


class Thing(Section):
    size: Annotated[Quantity, Range(1, 10)] = 2.0
    count: Annotated[Quantity, Range(0, 8, whole=True)] = 3.0
    rate: Annotated[float, Range(0, 1)] = 0.5
    works: bool = True
    word: str = "word"


@pytest.mark.parametrize(
    "size", [1, 10, 2.5, {"uniform": [1, 10]}, {"normal": [5, 100]}, {"choice": [1, 2, 10]}, {"choice": [3]}]
)
def test_numbers_and_distributions_within_bounds_are_accepted(size: object) -> None:
    assert Thing.model_validate({"size": size}).model_dump(mode="json")["size"] == size


@pytest.mark.parametrize(
    "size",
    [
        *(0.9, 11, True, "2", None, [1, 2], {}, float("nan"), 10**400),
        *({"uniform": [0, 2]}, {"uniform": [2, 11]}, {"uniform": [3, 2]}, {"uniform": [1, 2, 3]}),
        *({"normal": [11, 1]}, {"normal": [2, -1]}, {"choice": []}, {"choice": [1, 11]}),
        *({"choice": [1] * 17}, {"uniform": [1, 2], "normal": [1, 2]}, {"gamma": [1, 2]}),
    ],
)
def test_everything_else_is_refused(size: object) -> None:
    with pytest.raises(ValidationError):
        Thing.model_validate({"size": size})


@pytest.mark.parametrize("count", [2.5, {"choice": [1, 1.5]}, {"uniform": [0.5, 2]}])
def test_a_count_refuses_fractions(count: object) -> None:
    with pytest.raises(ValidationError, match="a whole number from 0 to 8"):
        Thing.model_validate({"count": count})


def test_a_plain_rate_refuses_distributions() -> None:
    with pytest.raises(ValidationError):
        Thing.model_validate({"rate": {"uniform": [0, 1]}})


def test_support_cuts_a_normal_at_three_deviations_and_at_the_bounds() -> None:
    assert support(Normal(normal=(5.0, 1.0)), 1, 10) == (2.0, 8.0)
    assert support(Normal(normal=(2.0, 1.0)), 1, 4) == (1, 4)
    assert support(Uniform(uniform=(2.0, 3.0)), 1, 10) == (2.0, 3.0)
    assert support(Choice(choice=(4.0, 2.0, 3.0)), 1, 10) == (2.0, 4.0)
    assert support_of(Thing(size=7.0), "size") == (7.0, 7.0)


def test_encoding_spells_kind_parameters_and_bounds() -> None:
    assert encode(2.0, 1, 10) == (CONSTANT, 2.0, 0.0, 2.0, 2.0, ())
    assert encode(Uniform(uniform=(2.0, 3.0)), 1, 10) == (UNIFORM, 2.0, 3.0, 2.0, 3.0, ())
    assert encode(Normal(normal=(2.0, 1.0)), 1, 10) == (NORMAL, 2.0, 1.0, 1.0, 5.0, ())
    assert encode(Choice(choice=(4.0, 2.0)), 1, 10) == (CHOICE, 0.0, 0.0, 2.0, 4.0, (4.0, 2.0))


def test_whole_numbers_from_a_uniform_are_all_alike() -> None:
    row = encode(Uniform(uniform=(2.0, 4.0)), 0, 8, whole=True)
    drawn = np.random.default_rng(0).uniform(row.a, row.b, 30_000)
    values, counts = np.unique(np.rint(np.clip(drawn, row.low, row.high)), return_counts=True)
    np.testing.assert_array_equal(values, [2, 3, 4])
    np.testing.assert_allclose(counts / 30_000, 1 / 3, atol=0.02)


def test_a_table_holds_the_fields_in_the_order_asked_for() -> None:
    thing = Thing(size=Choice(choice=(4.0, 2.0)), count=5.0)
    table = compile_quantities(thing, ["works", "count", "size", "rate"])
    np.testing.assert_array_equal(table.kind, [CONSTANT, CONSTANT, CHOICE, CONSTANT])
    np.testing.assert_array_equal(table.a, [1.0, 5.0, 0.0, 0.5])
    np.testing.assert_array_equal(table.whole, [True, True, False, False])
    np.testing.assert_array_equal(table.num_choices, [0, 0, 2, 0])
    np.testing.assert_array_equal(table.choices[2, :3], [4.0, 2.0, 0.0])
    np.testing.assert_array_equal(table.low, [1.0, 5.0, 2.0, 0.5])
    assert table.choices.shape == (4, 16)
    assert (table.kind.dtype.name, table.a.dtype.name) == ("int8", "float64")


def test_a_table_refuses_words() -> None:
    with pytest.raises(TypeError, match=r"Thing\.word"):
        compile_quantities(Thing(), ["word"])


def test_only_the_three_names_spell_a_distribution() -> None:
    assert is_distribution({"uniform": [0, 1]})
    assert not is_distribution({})
    assert not is_distribution({"uniform": [0, 1], "side": 1})
