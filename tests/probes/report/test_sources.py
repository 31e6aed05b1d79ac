from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.report.contract import Study, load_study, save_study
from probes.report.items import Stacks
from probes.report.sources import check_sources, files_of, fingerprint, sources_of
from tests.probes.report.studies import LAYOUT, SHIPPED, make_study, save_run


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, Study]:
    return tmp_path, save_run(tmp_path)


def test_each_source_has_one_number_in_the_order_of_the_page() -> None:
    findings, replay = replace(SHIPPED, kind="findings"), replace(SHIPPED, kind="replay")

    numbers = sources_of(make_study(findings, replay))

    # The headlines come first, then the agent and the state model.
    assert list(numbers.items())[:3] == [(replay, 1), (findings, 2), (SHIPPED, 3)]
    assert list(numbers.values()) == list(range(1, len(numbers) + 1))


def test_the_files_that_are_shown_are_those_of_states_weights_films_and_maps() -> None:
    study = make_study(SHIPPED, SHIPPED)

    assert {file for _, file in files_of(study)} == {
        "t-minus/stored.npy",
        "t-minus/weights.npy",
        "replay/worst.mp4",
        "replay/map.png",
    }


def test_an_intact_study_passes(saved: tuple[Path, Study]) -> None:
    directory, study = saved

    check_sources(study, directory)


def test_one_flipped_bit_of_what_is_shown_is_found(saved: tuple[Path, Study]) -> None:
    directory, study = saved
    file = directory / "t-minus" / "stored.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)

    with pytest.raises(ProbeError, match=r"stored.npy: altered"):
        check_sources(study, directory)


def test_an_artifact_that_was_made_anew_is_another(saved: tuple[Path, Study]) -> None:
    directory, study = saved
    with artifact.writing(directory / "replay", "replay", config={}, seed=1, parents={}) as scratch:
        np.save(scratch / "other.npy", np.zeros(3))

    with pytest.raises(ProbeError, match=r"written of another replay.*run `probes study driving"):
        check_sources(study, directory)


def test_a_missing_artifact_is_named_with_the_command_that_makes_it(saved: tuple[Path, Study]) -> None:
    directory, study = saved
    (directory / "replay").rename(directory / "elsewhere")

    with pytest.raises(ProbeError, match=r"replay: does not exist.*`probes replay` makes one"):
        check_sources(study, directory)


def test_a_file_outside_of_the_study_is_refused(saved: tuple[Path, Study]) -> None:
    directory, study = saved
    outside = Stacks("a", "b", "../secret.npy", LAYOUT, (0,), SHIPPED)
    section = replace(study.sections[0], items=(outside,))

    with pytest.raises(ProbeError, match=r"'../secret.npy' lies outside"):
        check_sources(replace(study, sections=(section,)), directory)


def test_the_fingerprint_changes_with_the_study_and_with_what_it_shows(saved: tuple[Path, Study]) -> None:
    directory, study = saved
    before = fingerprint(study, directory)

    assert fingerprint(load_study(directory), directory) == before
    save_study(replace(study, title="Another"), directory)
    assert fingerprint(study, directory) != before
    save_study(study, directory)
    assert fingerprint(study, directory) == before
    (directory / "replay" / "worst.mp4").write_bytes(b"")
    assert fingerprint(study, directory) != before
