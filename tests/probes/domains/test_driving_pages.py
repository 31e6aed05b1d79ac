from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from probes.artifacts import artifact
from probes.domains import driving_cards, driving_pages, model_records
from probes.domains.driving import DrivingAgent, load_agent
from probes.domains.driving_companions import PEERS, Company, random_companion
from probes.domains.driving_pages import build_study, headlines
from probes.domains.driving_study import PRESETS, Amounts, ReturnAmounts, StudyConfig
from probes.report.contract import Number, Study, Table, Text, load_study, save_study
from probes.state_models.model_store import KIND
from tests.probes.domains.returned import repaired, write_return
from tests.probes.domains.shelves import (
    TARGETS,
    contents,
    goggles,
    number,
    record,
    replayed,
    samples,
    ship_model,
    toy_shelf,
    write,
    write_companion,
)

SECTIONS = (
    "question", "findings", "clusters", "contents", "others", "empty-road", "objective", "model", "weights",
    "measures", "baselines", "replay",
)  # fmt: skip
FITTED = {"schedule": {"iterations": 12, "batch": 4}}
COMPANY = Company((PEERS[0], random_companion("reasonable-seg4", "m")), (PEERS[1],))


STAYING = replace(PRESETS["smoke"], returned=None)
"""Without what takes findings back into the simulator."""


def agent(name: str = "a") -> DrivingAgent:
    found = load_agent("reasonable-seg4")
    found.name = name
    return found


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("study")
    toy_shelf(place)
    for one in COMPANY.present:
        write_companion(place, one)
    for path in (place / "crisp", place.parent / "paper", place.parent / "peer"):
        with artifact.writing(path, KIND, config={"fit": FITTED}, seed=0, parents={}):
            pass
    return place


@pytest.fixture(autouse=True)
def _made_up(monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    """Let the searches and the companions' model be those that were made up."""
    monkeypatch.setattr(driving_pages, "finding_names", lambda _: tuple(TARGETS))
    monkeypatch.setattr(driving_cards, "find_model", lambda _: directory.parent / "peer")


def build(
    directory: Path, amounts: Amounts = STAYING, scenarios: tuple[str, ...] = ("reasonable", "distracted")
) -> Study:
    models = {"crisp": str(directory / "crisp"), "paper": str(directory.parent / "paper")}
    config = StudyConfig("reasonable-seg4", models, scenarios, amounts, ("go", "brake"), company=COMPANY)
    return build_study(config, agent(), "smoke", directory, 60.0)


def test_a_study_holds_every_section_and_can_be_kept(directory: Path) -> None:
    study = build(directory)
    assert tuple(section.id for section in study.sections) == SECTIONS
    save_study(study, directory)
    assert load_study(directory) == study


def test_a_study_that_goes_back_into_the_simulator_has_two_chapters_more(directory: Path) -> None:
    write_return(directory)
    study = build(directory, PRESETS["smoke"])
    assert tuple(section.id for section in study.sections) == (*SECTIONS, "return", "awareness")


def test_scenarios_may_be_files(directory: Path, tmp_path: Path) -> None:
    write_return(directory)
    file = tmp_path / "my_street.yaml"
    file.write_text("schema_version: 1\nname: reasonable\n")
    study = build(directory, PRESETS["smoke"], (str(file), "distracted"))
    assert study.sections[-2].id == "return"
    assert "reasonable" in study.sections[-2].lead
    assert str(file) not in str(study.to_json())


def test_a_study_that_trains_the_agent_on_tells_what_it_did(directory: Path) -> None:
    write_return(directory)
    write(directory, "repair", repaired())
    returned = ReturnAmounts(2, 8, 2, 16, repair_steps=9)
    study = build(directory, replace(PRESETS["smoke"], returned=returned))
    assert study.sections[-1].id == "repair"


def test_every_figure_says_what_it_is_and_what_to_look_for(directory: Path) -> None:
    figures = [
        item for section in build(directory).sections for item in section.items
        if not isinstance(item, Text | Number)
    ]  # fmt: skip
    assert len(figures) > 15
    for figure in figures:
        assert len(figure.caption) > 10, figure
        assert figure.look_for.endswith("."), figure
        assert figure.source.digest


def test_what_was_not_synthesised_is_never_called_not_understood(directory: Path) -> None:
    told = str(build(directory).to_json())
    assert "not synthesised" in told
    assert "understood" not in told
    assert "understand" not in told


def test_the_answer_in_short_is_what_the_stages_found(directory: Path) -> None:
    study = build(directory)
    assert "2 states that were synthesised" in study.expects
    assert "in 50% of them it expects less than in 99% of the recorded" in study.expects
    assert "50% a car ahead (12%)" in study.expects
    assert "0.00 in reasonable (95%: -0.12 to 0.12; 0 in 4.0 km)" in study.happened
    assert "1.00 in distracted (95%: 0.88 to 1.12; 2 in 2.0 km)" in study.happened


def test_headlines_are_estimates_as_plain_data(directory: Path) -> None:
    told = headlines(build(directory))
    assert told["people hit per km in distracted"] == {"value": 1.0, "low": 0.875, "high": 1.125, "n": 2}
    assert told["states synthesised for T- that show a person within the stopping path"] == number(0.5, 2)
    assert told["return that the agent keeps while it sees through the state model"] == number(0.75, 20)
    assert len(told) == 5


def test_only_what_comes_with_the_package_is_called_shipped(directory: Path) -> None:
    study = build(directory)
    card, peer = study.agents
    assert peer.name == "distracted-seg4"
    assert card.source.shipped
    assert card.source.command.startswith("drivesim train ")
    crisp, paper, _ = study.models
    assert (crisp.source.shipped, crisp.source.path) == (False, "crisp")
    assert (paper.source.shipped, paper.source.path) == (False, "")
    assert crisp.measures == {"iterations of its fit": 12, "states in each": 4}


def test_a_study_without_findings_or_hits_says_so(tmp_path: Path) -> None:
    toy_shelf(tmp_path)
    told = contents()
    told["targets"]["t-minus"]["passed"] = None
    write(tmp_path, "contents", told)
    moved = replayed()
    for one in moved["summaries"]["a"].values():
        one.update(hits_per_km=None, avoidable_per_km=None)
    write(tmp_path, "replay", moved)
    with artifact.writing(tmp_path / "m", KIND, config={"fit": FITTED}, seed=0, parents={}):
        pass
    models = {"crisp": str(tmp_path / "m")}
    config = StudyConfig("reasonable-seg4", models, ("reasonable",), PRESETS["smoke"], ("go", "brake"))
    study = build_study(config, agent(), "smoke", tmp_path, None)
    assert not {"others", "empty-road"} & {section.id for section in study.sections}
    assert study.expects == "No state that was synthesised for a low value passes the checks."
    assert "did not move" in study.happened
    assert list(headlines(study)) == [
        "states synthesised for T- of which the agent expects less than of 99% of the recorded ones",
        "return that the agent keeps while it sees through the state model",
    ]


def test_the_records_of_a_shipped_model_are_told_beside_what_was_computed(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = directory.parent / "shelf"
    monkeypatch.setattr(model_records, "models_directory", lambda: shelf)
    measures = {"goggles": record("goggles", goggles()), "samples": record("samples", samples())}
    models = {"crisp": str(ship_model(shelf, "a-crisp", measures))}
    models["paper"] = str(ship_model(shelf, "a-paper", {"goggles": measures["goggles"]}))
    config = StudyConfig("reasonable-seg4", models, ("reasonable",), PRESETS["smoke"], ("go", "brake"))
    sections = {one.id: one for one in build_study(config, agent(), "smoke", directory, None).sections}
    kept = {
        name: [item for item in sections[name].items if not isinstance(item, Text) and item.source.shipped]
        for name in ("model", "measures")
    }
    assert [type(item) for item in kept["model"]] == [Number, Number]
    (table,) = kept["measures"]  # of both models, and yet one record
    assert isinstance(table, Table)
    assert table.caption.endswith("shipped record: 20 episodes")
    assert Text("A note that comes with this record: made up") in sections["measures"].items
