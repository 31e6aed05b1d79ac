from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from probes.cli import DIVERGED, MISUSE, main
from probes.cli import study as command
from probes.cli.options import begin
from probes.cli.study import shipped_for, unchanged
from probes.domains.driving_study import PRESETS, TRAINING_STEPS, Amounts
from probes.domains.study_steps import SearchAmounts
from probes.report.contract import load_study, save_study
from probes.state_models.schedule import PRIOR_SCHEDULES, SCHEDULES
from tests.probes.cli.conftest import Tiny, told
from tests.probes.report.studies import SHIPPED, make_study

LEAST = SearchAmounts(110, 12, 12, 2, 2)
"""Two states of some episodes, to group by."""
FEW = Amounts(LEAST, 8, 4, 2, 1, 1, 2, 0, LEAST, 1)
STAGES = 12
"""Two of them of random weights."""


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the preset `smoke` compute next to nothing."""
    monkeypatch.setitem(PRESETS, "smoke", FEW)


@pytest.fixture(autouse=True)
def _nothing_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no state model be shipped: companions would take minutes."""
    monkeypatch.setattr(command, "shipped_models", list)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Run no stage, but note its words."""
    noted: list[tuple[str, ...]] = []

    def note(words: tuple[str, ...]) -> int:
        noted.append(words)
        return 0

    monkeypatch.setattr(command, "run_command", note)
    return noted


@pytest.mark.slow
@pytest.mark.usefixtures("few")
def test_a_study_runs_every_stage_once_and_tells_what_came_out(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["study", "driving", "--models", f"crisp={tiny.model}", "--threads", "1", "--json"]
    arguments += ["-o", str(tmp_path / "s")]
    assert main(arguments) == 0
    first = told(capsys)
    assert first["report"] == str(tmp_path / "s" / "report.html")
    rate = first["people hit per km in distracted"]
    assert rate.keys() == {"value", "low", "high", "n"}
    assert rate["low"] <= rate["value"] <= rate["high"]
    page = (tmp_path / "s" / "report.html").read_text()
    study = load_study(tmp_path / "s")
    assert len(study.sections) == 12
    for section in study.sections:
        assert f'id="part1-{section.id}"' in page, section.id
        assert section.title in page
    assert "not understood" not in page
    assert "distracted-seg4 was not asked" in page
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "s").rglob("manifest.json")}
    assert len(before) > STAGES  # of the search one for each target
    assert main(arguments) == 0
    assert capsys.readouterr().err.count("up to date") >= STAGES
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "s").rglob("manifest.json")}
    second = load_study(tmp_path / "s")
    assert second.seconds == study.seconds
    assert second.headlines == study.headlines


def test_a_study_without_an_agent_or_a_model_runs_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ran: list[tuple[str, ...]]
) -> None:
    output = ["-o", str(tmp_path / "s")]
    assert main(["study", "driving", "--agent", "resonable-seg4", *output]) == MISUSE
    assert "did you mean 'reasonable-seg4'" in capsys.readouterr().err
    assert main(["study", "driving", "--models", "crisp=nowhere", *output]) == MISUSE
    assert "no state model 'nowhere'" in capsys.readouterr().err
    assert main(["study", "driving", "--scenarios", "resonable", *output]) == MISUSE
    assert "reasonable" in capsys.readouterr().err
    assert ran == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--agent", "mixed-full8", "--scenarios", "mixed_field"], "makes states of"),
        (["--scenarios", "reasonable", "mixed_field"], "'mixed_field' shows"),
    ],
)
def test_what_does_not_fit_is_told_before_anything_runs(
    options: list[str],
    complaint: str,
    tiny: Tiny,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    ran: list[tuple[str, ...]],
) -> None:
    arguments = ["study", "driving", "--models", f"crisp={tiny.model}", *options, "-o", str(tmp_path / "s")]
    assert main(arguments) == MISUSE
    assert complaint in capsys.readouterr().err
    assert ran == []


@pytest.mark.slow
def test_the_searched_model_must_be_named(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str], ran: list[tuple[str, ...]]
) -> None:
    assert main(["study", "driving", "--models", f"m={tiny.model}", "-o", str(tmp_path / "s")]) == MISUSE
    assert "found m; one of them must be named crisp" in capsys.readouterr().err
    assert ran == []


@pytest.mark.slow
@pytest.mark.usefixtures("ran")
def test_a_stage_that_left_nothing_is_named(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["study", "driving", "--models", f"crisp={tiny.model}", "-o", str(tmp_path)]) == MISUSE
    assert f"{tmp_path / 'states'}: does not exist" in capsys.readouterr().err
    assert not (tmp_path / "study.json").exists()


@pytest.mark.slow
def test_a_stage_that_fails_ends_the_study(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(words: tuple[str, ...]) -> int:
        return 2 if words[0] == "samples" else 0

    monkeypatch.setattr(command, "run_command", run)
    assert main(["study", "driving", "--models", f"crisp={tiny.model}", "-o", str(tmp_path)]) == MISUSE
    assert "stage 3 of 15 (sample the state model's prior) failed with status 2" in capsys.readouterr().err


@pytest.mark.slow
def test_a_stage_that_diverges_ends_the_study_with_a_status_of_its_own(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(words: tuple[str, ...]) -> int:
        return DIVERGED if words[0] == "search" else 0

    monkeypatch.setattr(command, "run_command", run)
    assert main(["study", "driving", "--models", f"crisp={tiny.model}", "-o", str(tmp_path)]) == DIVERGED
    assert "(synthesise states for every target) failed with status 4" in capsys.readouterr().err


@pytest.mark.slow
def test_a_companion_whose_model_is_not_there_is_told_of_before_anything_runs(
    tiny: Tiny,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    ran: list[tuple[str, ...]],
) -> None:
    monkeypatch.setattr(command, "shipped_models", lambda: ["mixed-full8-crisp"])
    monkeypatch.setattr(command, "find_model", lambda _: tiny.model)
    assert main(["study", "driving", "--models", f"crisp={tiny.model}", "-o", str(tmp_path)]) == MISUSE
    assert "but the agent sees" in capsys.readouterr().err  # eight frames, the model makes four
    assert ran == []


def test_from_scratch_takes_no_agent_and_no_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ran: list[tuple[str, ...]]
) -> None:
    for more in (["--agent", "reasonable-seg4"], ["--models", "crisp=m"]):
        assert main(["study", "driving", "--from-scratch", *more, "-o", str(tmp_path)]) == MISUSE
        assert "leave out --agent and --models" in capsys.readouterr().err
    assert main(["study", "driving", "--from-scratch", "--scenarios", "resonable"]) == MISUSE
    assert "reasonable" in capsys.readouterr().err
    assert ran == []


@pytest.mark.slow
@pytest.mark.usefixtures("few")
def test_an_agent_and_its_models_are_made_from_scratch_and_not_made_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(TRAINING_STEPS, "smoke", 320)
    for presets in (*SCHEDULES.values(), PRIOR_SCHEDULES):
        monkeypatch.setitem(presets, "smoke", replace(presets["smoke"], iterations=2))
    asked: list[tuple[str, ...]] = []
    args = argparse.Namespace(
        preset="smoke",
        scenarios=["reasonable"],
        game=None,
        output=Path("s"),
        seed=0,
        threads=1,
        agent=None,
        models=None,
    )
    driving = command.DOMAINS["driving"]
    real = command.run_command

    def noted(words: tuple[str, ...]) -> int:
        asked.append(words)
        return real(words)

    monkeypatch.setattr(command, "run_command", noted)
    command.make_from_scratch(driving, args, begin(args))
    words = [" ".join(step.words) for step in driving.configure(args).steps]
    assert "--agent s/reasonable-from-scratch --models crisp=s/crisp paper=s/paper" in "\n".join(words)
    assert [line for line in words if "--random-weights" in line and "--model s/crisp" in line]
    assert not [line for line in words if "distracted-seg4" in line]  # a companion of the shipped agent's
    before = {path: path.stat().st_mtime_ns for path in Path("s").rglob("manifest.json")}
    assert len(before) == 5  # states, saliency, two models, and the crisp one's latents
    capsys.readouterr()
    again = argparse.Namespace(**{**vars(args), "agent": None, "models": None})
    command.make_from_scratch(driving, again, begin(args))
    assert "--resume" in asked[5]
    assert capsys.readouterr().err.count("up to date") == 4
    assert before == {path: path.stat().st_mtime_ns for path in Path("s").rglob("manifest.json")}


def test_shipped_models_are_taken_unless_others_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "shipped_models", lambda: ["a-crisp", "a-paper", "b-crisp"])
    assert shipped_for("a") == ["crisp=a-crisp", "paper=a-paper"]
    assert shipped_for("b") == ["crisp=b-crisp"]
    assert shipped_for("c") == ["crisp=c-crisp"]


def test_contents_that_are_the_same_keep_their_time(tmp_path: Path) -> None:
    study = replace(make_study(SHIPPED, SHIPPED), seconds=9.0)
    assert unchanged(study, tmp_path / "nowhere") == study
    save_study(study, tmp_path)
    later = replace(study, created="2031-01-01T00:00:00+00:00", seconds=1.0)
    assert unchanged(later, tmp_path) == study
    other = unchanged(replace(later, title="another"), tmp_path)
    assert (other.title, other.created, other.seconds) == ("another", later.created, 9.0)
    assert unchanged(replace(later, preset="quick"), tmp_path).seconds == 1.0
    (tmp_path / "study.json").write_text("{}")
    assert unchanged(later, tmp_path) == later


def test_a_command_is_run_by_the_program_that_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    run: Callable[[tuple[str, ...]], int] = command.run_command
    assert run(("drivesim", "scenario", "list")) == 0
    assert "distracted" in capsys.readouterr().out
    assert run(("ship", "nowhere", "x", "--measures", "nowhere")) == MISUSE
    assert "nowhere: does not exist" in capsys.readouterr().err
