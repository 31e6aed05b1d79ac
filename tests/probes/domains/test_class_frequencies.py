"""Frequencies of classes: shares and ratios by hand."""

from __future__ import annotations

import numpy as np
import pytest

from drivesim.render.semantics import NUM_CLASSES, SemanticClass
from probes.domains.class_frequencies import ClassStatistics, class_statistics, compare_classes, mean_ratios
from tests.probes.domains.drawings import SEG4, pictures, put, street

PERSON = SemanticClass.PERSON


def statistics(area: list[float], blobs: list[int]) -> ClassStatistics:
    """Make statistics in which people have these shares and numbers, and all else is sky."""
    areas, numbers = np.zeros((len(area), NUM_CLASSES)), np.zeros((len(area), NUM_CLASSES), np.int64)
    areas[:, PERSON], numbers[:, PERSON] = area, blobs
    areas[:, 0], numbers[:, 0] = 1 - np.array(area), 1
    return ClassStatistics(areas, numbers)


def test_area_is_a_share_and_blobs_are_counted_per_state() -> None:
    stored = street(2)
    put(pictures(stored)[1, -1], PERSON, (66, 69), (10, 17))
    put(pictures(stored)[1, -1], PERSON, (66, 66), (30, 30))
    put(pictures(stored)[0, 0], PERSON, (66, 69), (10, 17))
    measured = class_statistics(stored, SEG4)
    assert measured.area[:, PERSON].tolist() == [0.0, 33 / 128**2]
    assert measured.blobs[:, PERSON].tolist() == [0, 2]
    assert measured.area.sum(1) == pytest.approx([1.0, 1.0])
    assert class_statistics(stored, SEG4, 0).blobs[:, PERSON].tolist() == [1, 0]


def test_small_blobs_can_be_left_out_but_their_area_stays() -> None:
    stored = street()
    put(pictures(stored)[:, -1], PERSON, (66, 66), (30, 30))
    measured = class_statistics(stored, SEG4, min_pixels=2)
    assert measured.blobs[0, PERSON] == 0
    assert measured.area[0, PERSON] == 1 / 128**2


def test_ratios_are_synthesised_by_real_and_rare_classes_are_left_out() -> None:
    real = statistics([0.02, 0.04], [2, 4])
    made = statistics([0.21, 0.21], [3, 3])
    sky, people = compare_classes(made, real)
    assert (sky.name, people.name) == ("sky", "person")
    assert people.real_share == pytest.approx(0.03)
    assert people.area_ratio.value == pytest.approx(7.0)
    assert people.blobs_ratio.value == pytest.approx(1.0)
    # Resamples of the two real states have a mean of 0.02, 0.03 or 0.04.
    assert [people.area_ratio.low, people.area_ratio.high] == pytest.approx([5.25, 10.5])
    assert not people.within_25_percent
    assert sky.within_25_percent
    assert [one.name for one in compare_classes(made, real, least_share=0.05)] == ["sky"]


def test_a_class_passes_only_if_both_its_area_and_its_number_of_blobs_do() -> None:
    real = statistics([0.02] * 4, [4] * 4)
    assert compare_classes(statistics([0.0249] * 4, [3] * 4), real)[1].within_25_percent
    assert not compare_classes(statistics([0.02] * 4, [2] * 4), real)[1].within_25_percent
    assert not compare_classes(statistics([0.026] * 4, [4] * 4), real)[1].within_25_percent


def test_the_interval_covers_the_true_ratio_and_narrows_with_more_states() -> None:
    rng = np.random.default_rng(0)
    widths = []
    for number in (50, 1250):
        top, bottom = rng.exponential(2.0, (number, 1)), rng.exponential(1.0, (number, 1))
        (ratio,) = mean_ratios(top, bottom)
        assert ratio.low < 2.0 < ratio.high
        assert ratio.n == number
        widths.append(ratio.high - ratio.low)
    assert widths[1] < widths[0] / 3


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(0).random((30, 2))
    assert mean_ratios(values, values[:20], 3) == mean_ratios(values, values[:20], 3)
    assert mean_ratios(values, values[:20], 3) != mean_ratios(values, values[:20], 4)


def test_nothing_to_compare_is_an_error() -> None:
    with pytest.raises(ValueError, match="found 0 synthesised and 1 real"):
        compare_classes(statistics([], []), statistics([0.1], [1]))


def test_a_comparison_can_be_written_to_json() -> None:
    plain = compare_classes(statistics([0.1], [1]), statistics([0.1], [1]))[1].to_json()
    assert plain["class"] == "person"
    assert plain["area_ratio"] == {"value": 1.0, "low": 1.0, "high": 1.0, "n": 1}
    assert plain["within_25_percent"] is True
