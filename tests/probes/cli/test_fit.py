from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from probes.cli import DIVERGED, MISUSE, fit, main
from probes.progress import Track, track
from probes.state_models.fit import checkpoint_path
from probes.state_models.fit_checkpoint import iterations_done
from probes.state_models.fit_config import FitConfig
from probes.state_models.model_store import ModelName, load_model
from probes.state_models.schedule import SCHEDULES, Schedule
from tests.probes.counters import Critic
from tests.probes.fittings import CONFIGS, small_states


@pytest.fixture
def states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Collect states, and let the commands find the toy agent and make small models."""

    def small(model: ModelName, schedule: Schedule, **more: Any) -> FitConfig:
        whole = FitConfig(model, schedule, **more)
        return replace(whole, shape=CONFIGS[model].shape, checkpoint_every=2)

    monkeypatch.setattr(fit, "load_agent", lambda *_: Critic())
    monkeypatch.setattr(fit, "FitConfig", small)
    return small_states(tmp_path / "set").path


def run(states: Path, output: Path, *more: str) -> int:
    return main(["fit", str(states), "--iterations", "6", "--json", "-o", str(output), *more])


@pytest.mark.parametrize("name", CONFIGS)
def test_a_model_is_fitted_and_not_fitted_again(
    states: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    output = tmp_path / "m"
    assert run(states, output, "--model", name) == 0
    told = capsys.readouterr()
    result = json.loads(told.out)
    assert (result["path"], result["last"]["iteration"]) == (str(output), 6)
    assert f"fit {name}: 6 of 6 iterations" in told.err
    model, manifest = load_model(output, Critic())
    assert manifest.config["model"]["name"] == name
    assert manifest.config["fit"]["schedule"]["iterations"] == 6
    assert model.layout == Critic().layout
    assert run(states, output, "--model", name) == 0
    again = capsys.readouterr()
    assert again.out == told.out
    assert "m: up to date" in again.err
    assert load_model(output).manifest == manifest


def test_the_presets_schedule_stands_unless_iterations_are_given(
    states: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SCHEDULES["crisp"], "smoke", Schedule(4, batch=3, warm_up=2))
    arguments = ["fit", str(states), "--preset", "smoke", "--precision", "float32", "--seed", "7"]
    assert main([*arguments, "-o", str(tmp_path / "m")]) == 0
    found = load_model(tmp_path / "m").manifest
    assert found.config["fit"]["schedule"]["iterations"] == 4
    assert found.config["fit"]["schedule"]["batch"] == 3
    assert (found.config["fit"]["precision"], found.seed) == ("float32", 7)


def test_saliency_is_computed_once_and_only_for_losses_that_weigh_pixels(
    states: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = states.with_name("set.saliency")
    assert (
        run(states, tmp_path / "crisp")
        == run(states, tmp_path / "vae", "--model", "paper", "--loss", "vae")
        == 0
    )
    assert not kept.exists()
    assert run(states, tmp_path / "lp", "--model", "paper", "--loss", "lp") == 0
    assert "saliency: 20 of 20 states" in capsys.readouterr().err
    made = (kept / "manifest.json").stat().st_mtime_ns
    assert run(states, tmp_path / "full", "--model", "paper") == 0
    assert "saliency" not in capsys.readouterr().err
    assert (kept / "manifest.json").stat().st_mtime_ns == made


def test_an_interrupted_fit_goes_on_and_tells_the_time_that_is_left_rightly(
    states: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: list[int] = []

    def silent(total: int, *told: Any) -> AbstractContextManager[Track]:
        starts.append(told[-1])
        return track(total, "", "", start=told[-1])

    def advance(track: Track, n: int = 1, **_: float) -> None:
        track.done += n
        if track.done == 5 and len(starts) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(fit, "track", silent)
    monkeypatch.setattr(Track, "advance", advance)
    with pytest.raises(KeyboardInterrupt):
        run(states, tmp_path / "m")
    assert iterations_done(checkpoint_path(tmp_path / "m")) == 4
    assert run(states, tmp_path / "m") == 0
    assert starts == [0, 4]


def test_a_divergence_has_its_own_exit_status_and_keeps_the_last_checkpoint(
    states: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rates = iter([1e-4, 1e-4, 1e-4, 1e30, 1e30, 1e30])
    monkeypatch.setattr("probes.state_models.fit.learning_rate", lambda *_: next(rates))
    assert run(states, tmp_path / "m") == DIVERGED
    told = capsys.readouterr()
    assert told.out == ""
    assert "error: iteration 5: the loss is not finite" in told.err
    assert iterations_done(checkpoint_path(tmp_path / "m")) == 4
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("given", "message"), [("set2", "does not exist; did you mean"), ("m", "holds a state-model")]
)
def test_what_is_no_state_set_is_refused(
    states: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], given: str, message: str
) -> None:
    assert run(states, tmp_path / "m") == 0
    capsys.readouterr()
    assert run(tmp_path / given, tmp_path / "other") == MISUSE
    assert message in capsys.readouterr().err


def test_an_output_that_is_something_else_is_left_alone(
    states: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(entry.name for entry in states.iterdir())
    assert run(states, states) == MISUSE
    assert "set: is there already and is no state-model; choose another place" in capsys.readouterr().err
    assert sorted(entry.name for entry in states.iterdir()) == before


def test_a_fit_goes_on_from_a_fitted_model_with_all_of_its_latents(states: Path, tmp_path: Path) -> None:
    assert (
        run(states, tmp_path / "first") == run(states, tmp_path / "m", "--init", str(tmp_path / "first")) == 0
    )
    first, more = (load_model(tmp_path / name).manifest for name in ("first", "m"))
    assert more.parents["init"].digest == first.digest
    assert first.config["fit"]["crisp_loss"]["levels_from"] != [0.0, 0.0]
    assert more.config["fit"]["crisp_loss"]["levels_from"] == [0.0, 0.0]


def test_a_gpu_that_is_not_there_is_refused_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert run(tmp_path / "nowhere", tmp_path / "m", "--device", "cuda") == MISUSE
    assert "available is cpu" in capsys.readouterr().err


def test_the_device_is_told_to_the_fit_and_is_no_part_of_what_was_fitted(
    states: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(states, tmp_path / "m", "--device", "cpu") == 0
    assert "device" not in load_model(tmp_path / "m").manifest.config["fit"]
    capsys.readouterr()
    monkeypatch.setattr(fit, "require_device", lambda device: device)
    monkeypatch.setattr(Critic, "to", lambda agent, _: agent)
    assert run(states, tmp_path / "m", "--device", "cuda") == 0  # nothing is left to be computed there
    assert "m: up to date" in capsys.readouterr().err
