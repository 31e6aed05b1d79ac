from __future__ import annotations

from pathlib import Path

import pytest

from probes.domains.driving_braking import CONDITIONS
from probes.domains.driving_companions import PEERS, Company, random_companion
from probes.domains.driving_others import (
    NOTHING_ASKS,
    Asked,
    braking_headlines,
    empty_road_section,
    others_section,
    path_numbers,
)
from probes.domains.study_sections import Shelf
from probes.report.contract import Bars, Number, Stacks, Table, Text
from probes.statistics import Estimate
from tests.probes.domains.shelves import toy_shelf, write, write_companion

DISTRACTED, MIXED = PEERS
RANDOM = random_companion("a", "m")
ALL = Company((DISTRACTED, MIXED, RANDOM))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    directory = tmp_path_factory.mktemp("study")
    shelf = toy_shelf(directory)
    for one in ALL.present:
        write_companion(directory, one)
    return shelf


def value(cell: object) -> float:
    assert isinstance(cell, Estimate)
    return cell.value


def test_every_agent_is_asked_the_same(shelf: Shelf) -> None:
    items = others_section(shelf, "a", ALL).items
    bars = [item for item in items if isinstance(item, Bars)]
    assert [one.source.path for one in bars] == [
        "contents",
        "others/distracted-seg4/contents",
        "others/random-weights/contents",
    ]
    assert ["of a," in bars[0].caption, "of random-weights," in bars[2].caption] == [True, True]
    assert all("not synthesised" in one.look_for for one in bars)
    assert all([value(series.values[0]) for series in one.series] == [0.5, 0.75, 0.125] for one in bars)


def test_whom_each_agent_could_hit_stands_side_by_side(shelf: Shelf) -> None:
    numbers = [item for item in others_section(shelf, "a", ALL).items if isinstance(item, Number)]
    assert [(one.label.split(":")[0], value(one.estimate)) for one in numbers] == [
        ("synthesised for T- of a", 0.5),
        ("recorded of a", 0.125),
        ("synthesised for T- of distracted-seg4", 0.5),
        ("recorded of distracted-seg4", 0.125),
        ("synthesised for T- of random-weights", 0.5),
    ]
    assert numbers[2].source.path == "others/distracted-seg4/contents"


def test_the_best_findings_of_every_companion_are_shown(shelf: Shelf) -> None:
    stacks = [item for item in others_section(shelf, "a", ALL).items if isinstance(item, Stacks)]
    assert [one.file for one in stacks] == [
        "others/distracted-seg4/findings/t-minus/stored.npy",
        "others/distracted-seg4/findings/action-brake/stored.npy",
        "others/random-weights/findings/t-minus/stored.npy",
    ]
    assert stacks[0].indices == (2, 0, 1, 3)
    assert "of distracted-seg4" in stacks[0].caption
    assert all((shelf.directory / one.file).is_file() for one in stacks)


def test_who_was_not_asked_is_told(shelf: Shelf) -> None:
    company = Company((RANDOM,), PEERS)
    text, *_ = others_section(shelf, "a", company).items
    assert isinstance(text, Text)
    assert "distracted-seg4 was not asked: no state model is shipped for it." in text.text
    assert "mixed-full8" not in text.text
    section = empty_road_section(shelf.directory, company)
    assert section is not None
    assert section.items == (Text("mixed-full8 was not asked: no state model is shipped for it."),)


def test_braking_is_told_in_synthesised_states_and_on_the_road(shelf: Shelf) -> None:
    section = empty_road_section(shelf.directory, ALL)
    assert section is not None
    _, v_plus, brake, v_plus_shows, brake_shows, synthesised, roads = section.items
    assert isinstance(v_plus, Stacks)
    assert v_plus.file == "others/mixed-full8/findings/v-plus/stored.npy"
    assert isinstance(brake, Stacks)
    assert "brake of mixed-full8" in brake.caption
    assert isinstance(v_plus_shows, Bars)
    assert isinstance(brake_shows, Bars)
    assert isinstance(synthesised, Table)
    assert [row[0] for row in synthesised.rows] == [
        "recorded, all held out",
        "synthesised for V+",
        "synthesised for brake",
    ]
    assert isinstance(roads, Table)
    assert roads.source.path == "others/mixed-full8/braking"
    assert len(roads.rows) == 2


def test_without_experiment_1_there_is_no_chapter_on_it(shelf: Shelf) -> None:
    assert empty_road_section(shelf.directory, Company((RANDOM,))) is None
    assert braking_headlines(shelf.directory, Company((RANDOM,), PEERS)) == []


def test_the_headline_is_of_episodes_in_which_nothing_asks(shelf: Shelf) -> None:
    (number,) = braking_headlines(shelf.directory, ALL)
    assert number.label == "episodes in which mixed-full8 brakes on an empty road without a light"
    assert (value(number.estimate), number.unit) == (0.5, "%")
    assert NOTHING_ASKS[1] == CONDITIONS[-1]


def test_of_findings_none_of_which_passes_no_number_is_told(tmp_path: Path) -> None:
    shelf = toy_shelf(tmp_path)
    told = shelf.result("contents")
    told["targets"]["t-minus"]["passed"] = None
    write(tmp_path, "contents", told)
    (number,) = path_numbers(Asked("a", shelf, ""))
    assert number.label.startswith("recorded of a")
