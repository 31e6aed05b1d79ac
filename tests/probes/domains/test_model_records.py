from __future__ import annotations

from pathlib import Path

import pytest

from probes.agent import ProbeError
from probes.domains import model_records
from probes.domains.model_records import MEASURES, ancestors, is_shipped, records, sample_facts
from probes.statistics import Estimate
from tests.probes.domains.shelves import goggles, record, samples, ship_model


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let shipped models lie here."""
    monkeypatch.setattr(model_records, "models_directory", lambda: tmp_path)
    return tmp_path


def test_a_record_is_marked_as_shipped_and_names_its_command(shelf: Path) -> None:
    model = ship_model(shelf, "m", {"of-20": record("goggles", goggles()), "samples": record("samples", {})})
    (found,) = records(model, "goggles")
    assert found.result == goggles()
    assert found.note == "made up"
    assert (found.source.shipped, found.source.path, found.source.kind) == (True, "", "goggles")
    assert found.source.command == "probes goggles of old"
    assert found.source.digest == "ab" * 32


def test_a_record_of_an_earlier_version_goes_by_its_name_and_its_model(shelf: Path) -> None:
    old = {key: value for key, value in record("goggles", {}).items() if key not in ("kind", "digest")}
    (found,) = records(ship_model(shelf, "m", {"goggles": old}), "goggles")
    assert len(found.source.digest) == 64
    assert found.source.digest != "ab" * 32


def test_without_a_record_nothing_is_told(shelf: Path) -> None:
    model = ship_model(shelf, "m", {})
    assert (records(model, "goggles"), sample_facts(model), ancestors(model)) == ([], {}, [])
    (model / MEASURES).unlink()
    assert (records(model, "goggles"), sample_facts(model), ancestors(model)) == ([], {}, [])


def test_a_model_that_is_not_shipped_has_no_record(shelf: Path) -> None:
    model = ship_model(shelf / "elsewhere", "m", {"goggles": record("goggles", goggles())})
    assert not is_shipped(model)
    assert records(model, "goggles") == []


def test_a_damaged_record_is_named(shelf: Path) -> None:
    model = ship_model(shelf, "m", {})
    (model / MEASURES).write_text("[]")
    with pytest.raises(ProbeError, match=r"measures\.json: holds no JSON object"):
        records(model, "goggles")


def test_samples_are_told_by_how_many_there_were(shelf: Path) -> None:
    told = {**samples(), "samples": 2_000}
    assert sample_facts(ship_model(shelf, "m", {"samples": record("samples", told)})) == {
        "classes drawn as often as recorded, within 25% (of 2,000 samples, shipped record)": "0 of 1",
        "share of consistent scenes (of 2,000 samples, shipped record)": Estimate(0.25, 0.125, 0.375, 10),
    }


def test_samples_of_games_are_not_told_of(shelf: Path) -> None:
    assert sample_facts(ship_model(shelf, "m", {"samples": record("samples", {"samples": 500})})) == {}


def test_a_model_is_not_its_own_ancestor(shelf: Path) -> None:
    model = ship_model(shelf, "m", {}, [{"name": "first"}, {"name": "m"}])
    assert ancestors(model) == [{"name": "first"}]
