from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from probes.agent import ProbeError
from probes.report.contract import Number, Study, load_study, save_study
from probes.statistics import Estimate
from tests.probes.report.studies import SHIPPED, make_study


def study() -> Study:
    return make_study(SHIPPED, SHIPPED)


def test_a_study_is_the_same_after_json() -> None:
    assert Study.from_json(json.loads(json.dumps(study().to_json()))) == study()


def test_a_saved_study_is_loaded_again(tmp_path: Path) -> None:
    save_study(study(), tmp_path)

    assert load_study(tmp_path) == study()


def test_an_estimate_is_written_with_its_interval_and_n() -> None:
    headline = study().to_json()["headlines"][0]

    assert headline["estimate"] == {"value": 1.84, "low": 1.51, "high": 2.2, "n": 131}
    assert headline["type"] == "number"


def test_a_mistyped_key_is_named_with_its_file_and_place(tmp_path: Path) -> None:
    data = study().to_json()
    data["sections"][1]["items"][0]["lok_for"] = "cars"
    (tmp_path / "study.json").write_text(json.dumps(data))

    with pytest.raises(ProbeError) as raised:
        load_study(tmp_path)

    assert str(raised.value).startswith(f"{tmp_path}/study.json.sections[1].items[0]: 'lok_for' is unknown")
    assert "did you mean 'look_for'?" in str(raised.value)


def test_a_number_that_is_not_finite_is_not_written(tmp_path: Path) -> None:
    unknown = Number("hits", Estimate(float("nan"), 0.0, 1.0, 3), SHIPPED)

    with pytest.raises(ProbeError, match=r"headlines\[0\].estimate.value is nan"):
        save_study(replace(study(), headlines=(unknown,)), tmp_path)


def test_two_sections_must_not_share_an_id() -> None:
    section = study().sections[0]

    with pytest.raises(ValueError, match="two sections have the same id"):
        replace(study(), sections=(section, section))


@pytest.mark.parametrize("name", ["Two Words", "1st", "", 'x"y'])
def test_a_section_is_named_so_that_a_link_can_name_it(name: str) -> None:
    with pytest.raises(ValueError, match="no plain name"):
        replace(study().sections[0], id=name)


def test_a_study_of_a_later_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format version 2"):
        replace(study(), format_version=2)
