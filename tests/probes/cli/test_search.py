from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from probes.artifacts import artifact
from probes.cli import MISUSE, main, make_parser, search
from probes.cli.device import Device
from probes.cli.search import search_config
from probes.cli.subjects import make_reference
from probes.data.state_set import load_states
from probes.domains.driving import load_agent, random_agent
from probes.state_models.model_store import load_model
from probes.states import to_stored
from probes.synthesis.findings import KIND, load_findings
from probes.synthesis.reference import KIND as REFERENCE
from probes.synthesis.reference import Reference
from probes.synthesis.round_trip import Pace
from probes.synthesis.search_config import SearchConfig
from probes.synthesis.synthesise import Searched, Subject, synthesise
from probes.synthesis.targets import Target
from tests.probes.cli.conftest import Tiny, told
from tests.probes.linear_models import LinearModel
from tests.probes.toy_sets import NamedLinearAgent


def settings(*words: str) -> SearchConfig:
    return search_config(
        make_parser("search").parse_args(["search", *words, "--model", "m", "--states", "s"])
    )


def test_the_command_lines_defaults_are_the_searches() -> None:
    assert settings("T-") == SearchConfig()
    assert settings("T-", "--quantile", "0.1") == SearchConfig(quantile=0.1)


def test_the_paper_s_way_can_be_asked_for() -> None:
    given = settings("T-", "--alpha", "0.5", "--ceiling", "none", "--init", "paper", "--chains", "3")
    assert (given.alpha, given.ceiling, given.start, given.chains) == (0.5, None, "paper", 3)


@pytest.mark.parametrize("words", [["--alpha", "much"], ["--ceiling", "some"], ["--steps", "0"]])
def test_settings_that_are_no_numbers_are_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        settings("T-", *words)
    assert "found" in capsys.readouterr().err


def test_a_search_without_a_target_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "--model", "m", "--states", "s"]) == MISUSE
    assert "no target is given" in capsys.readouterr().err


@pytest.mark.slow
def test_targets_are_searched_one_artifact_each_and_share_the_real_states(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.py").write_text(
        "def bright(output, states):\n    return states[:, -1, 0].mean((1, 2))\n"
    )
    arguments = tiny.search(tmp_path / "f", "T-", "V-", "brake", "blind", "--target", "own:bright")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        assert main(arguments) == 0
    first = told(capsys)
    assert [(one["target"], one["used"]) for one in first["targets"][:3]] == [
        ("T-", "V-"),
        ("V-", "V-"),
        ("brake", "action:brake"),
    ]
    made = sorted(path.name for path in (tmp_path / "f").iterdir())
    assert made == ["action-brake", "blind", "own-bright", "reference", "t-minus", "v-minus"]
    found, again = (load_findings(tmp_path / "f" / name) for name in ("t-minus", "v-minus"))
    np.testing.assert_array_equal(found.stored, again.stored)
    assert found.manifest.parents.keys() == {"states", "model"}
    assert first["targets"][0]["counts"]["findings"] == 2
    assert first["targets"][0]["passing"]["n"] == 2
    # what is kept decodes to what is shown
    model = load_model(tiny.model, load_agent("reasonable-seg4")).model
    np.testing.assert_array_equal(to_stored(model.decode(torch.tensor(found.z)), model.layout), found.stored)


@pytest.mark.slow
def test_findings_that_are_up_to_date_are_not_searched_again(
    tiny: Tiny, searched: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = artifact.load(searched, KIND)
    reference = artifact.load(searched.parent / REFERENCE, REFERENCE)
    with monkeypatch.context() as patch:
        patch.setattr("probes.cli.search.synthesise", None)
        patch.setattr("probes.synthesis.reference.measure_reference", None)
        assert main(tiny.search(searched.parent, "T+-")) == 0
    assert told(capsys)["targets"][0]["target"] == "T±"
    assert artifact.load(searched, KIND) == before
    assert main([*tiny.search(searched.parent, "T+-"), "--seed", "1"]) == 0
    other = artifact.load(searched, KIND)
    assert (other.seed, before.seed) == (1, 0)
    assert artifact.load(searched.parent / REFERENCE, REFERENCE) == reference
    assert main(tiny.search(searched.parent, "T+-")) == 0
    assert artifact.load(searched, KIND).digest == before.digest  # the same seed gives the same finding


@pytest.mark.slow
def test_an_unknown_target_is_refused_before_real_states_are_measured(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(tiny.search(tmp_path / "f", "T-", "brakes")) == MISUSE
    assert "did you mean 'brake'?" in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "f").exists()


@pytest.mark.slow
def test_the_negative_control_has_random_weights(tiny: Tiny, tmp_path: Path) -> None:
    assert main([*tiny.search(tmp_path / "f", "V+"), "--random-weights", "4"]) == 0
    found, states = load_findings(tmp_path / "f" / "v-plus"), load_states(tiny.states)
    assert found.result["agent"]["name"] == "reasonable-seg4-random-4"
    control = random_agent(load_agent("reasonable-seg4"), 4)
    value = control.judge(states.stored(np.arange(len(states)))).value.numpy()
    np.testing.assert_allclose(found.real_objective, value[found.real_indices] / value.std(), rtol=1e-3)


def test_a_gpu_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert main(["search", "T-", "--model", "m", "--states", "s", "--device", "cuda"]) == MISUSE
    assert "available is cpu" in capsys.readouterr().err


@pytest.mark.slow
def test_what_is_searched_is_moved_after_real_states_were_measured(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    place = search.place

    def measuring(*given: Any) -> Reference:
        calls.append("measured")
        return make_reference(*given)

    def placing(subject: Subject, device: Device) -> Subject:
        calls.append(f"to {device}")
        return place(subject, "cpu")

    def synthesising(
        subject: Subject, targets: Sequence[Target], config: SearchConfig, **more: Any
    ) -> list[Searched]:
        calls.append(f"searched on {more['pace'].device}")
        return synthesise(subject, targets, config, pace=Pace(device="cpu"))

    for name, instead in (("make_reference", measuring), ("place", placing), ("synthesise", synthesising)):
        monkeypatch.setattr(search, name, instead)
    monkeypatch.setattr(search, "require_device", lambda device: device)
    assert main([*tiny.search(tmp_path / "f", "V-"), "--device", "cuda"]) == 0
    assert calls == ["measured", "to cuda", "searched on cuda"]
    monkeypatch.setattr(search, "synthesise", None)  # the device is no part of what decides a finding
    assert main(tiny.search(tmp_path / "f", "V-")) == 0


def test_a_subject_is_moved_whole() -> None:
    subject = Subject(LinearModel(), NamedLinearAgent(), None, None)  # type: ignore[arg-type]  # not looked at
    assert search.place(subject, "meta") is subject  # type: ignore[arg-type]  # a device that any machine has
    assert isinstance(subject.model, LinearModel)
    assert isinstance(subject.agent, NamedLinearAgent)
    assert subject.model.gain.is_meta
    assert subject.agent.head.weight.is_meta


@pytest.mark.slow
def test_a_games_states_are_searched_and_its_game_is_known_by_the_states(
    tiny_game: Tiny, searched_game: Path, tmp_path: Path
) -> None:
    found = load_findings(searched_game)
    assert found.result["agent"]["name"] == "new"
    assert found.result["layout"]["height"] == 84
    assert found.result["variety"]["real"]["value"] > 0
    own = replace(tiny_game, agent=Path("tests.probes.domains.own_networks:freeway"))
    assert main(own.search(tmp_path / "f", "up")) == 0
    assert (
        load_findings(tmp_path / "f" / "action-up").result["agent"]["name"].endswith("own_networks-freeway")
    )
