from __future__ import annotations

from pathlib import Path

import pytest

from probes.artifacts import artifact
from probes.domains import driving_pages
from probes.domains.driving import DrivingAgent, load_agent
from probes.domains.driving_pages import build_study, headlines
from probes.domains.driving_study import PRESETS, StudyConfig
from probes.report.contract import Number, Study, Text, load_study, save_study
from probes.state_models.model_store import KIND
from tests.probes.domains.shelves import TARGETS, contents, number, replayed, toy_shelf, write

SECTIONS = ("question", "findings", "contents", "objective", "model", "measures", "baselines", "replay")


def agent(name: str = "a") -> DrivingAgent:
    found = load_agent("reasonable-seg4")
    found.name = name
    return found


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("study")
    toy_shelf(place)
    fitted = {"fit": {"schedule": {"iterations": 12, "batch": 4}}}
    for path in (place / "crisp", place.parent / "paper"):
        with artifact.writing(path, KIND, config=fitted, seed=0, parents={}):
            pass
    return place


@pytest.fixture(autouse=True)
def _few_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driving_pages, "finding_names", lambda _: tuple(TARGETS))


def build(directory: Path) -> Study:
    models = {"crisp": str(directory / "crisp"), "paper": str(directory.parent / "paper")}
    scenarios = ("reasonable", "distracted")
    config = StudyConfig("reasonable-seg4", models, scenarios, PRESETS["smoke"], ("go", "brake"))
    return build_study(config, agent(), "smoke", directory, 60.0)


def test_a_study_holds_every_section_and_can_be_kept(directory: Path) -> None:
    study = build(directory)
    assert tuple(section.id for section in study.sections) == SECTIONS
    save_study(study, directory)
    assert load_study(directory) == study


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
    assert len(told) == 4


def test_only_what_comes_with_the_package_is_called_shipped(directory: Path) -> None:
    study = build(directory)
    (card,) = study.agents
    assert card.source.shipped
    assert card.source.command.startswith("drivesim train ")
    crisp, paper = study.models
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
    config = StudyConfig("reasonable-seg4", {}, ("reasonable",), PRESETS["smoke"], ("go", "brake"))
    study = build_study(config, agent(), "smoke", tmp_path, None)
    assert study.expects == "No state that was synthesised for a low value passes the checks."
    assert "did not move" in study.happened
    assert list(headlines(study)) == ["return that the agent keeps while it sees through the state model"]
