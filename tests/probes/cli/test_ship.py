from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from probes.agent import ProbeError
from probes.artifacts import artifact, provenance
from probes.artifacts.manifest import read_manifest
from probes.cli import MISUSE, main
from probes.cli.ship import history, measured, portable
from probes.domains.model_records import MEASURES
from probes.state_models.fit_checkpoint import KIND as CHECKPOINT
from probes.state_models.fit_checkpoint import PROGRESS
from probes.state_models.model_store import KIND
from tests.probes.cli.conftest import told


def model(path: Path, seed: int, init: Path | None = None, states: Path | None = None) -> Path:
    """Write what passes for a state model, fitted for as many iterations as its seed."""
    config = {"fit": {"schedule": {"iterations": seed}}}
    given = {"init": init, "states": states}
    parents = {role: parent for role, parent in given.items() if parent is not None}
    with (
        provenance.called("probes", "fit", "-o", str(path)),
        artifact.writing(path, KIND, config=config, seed=seed, parents=parents) as scratch,
    ):
        np.save(scratch / "weights.npy", np.arange(seed))
        artifact.write_json(scratch / "log.jsonl", {})
    return path


def measure(path: Path, of: Path) -> Path:
    """Write what passes for a measure of a state model."""
    result = {"kept": {"value": 0.5, "low": 0.25, "high": 0.75, "n": 20}, "episodes": [1, 2], "layout": {}}
    with artifact.writing(path, "goggles", config={}, seed=0, parents={"model crisp": of}) as scratch:
        artifact.write_json(scratch / "result.json", result)
    return path


def test_a_model_is_kept_with_what_was_measured_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fitted = model(tmp_path / "m", 3)
    measures = [measure(tmp_path / place / "goggles", fitted) for place in "ab"]
    arguments = ["ship", str(fitted), "a-crisp", "--measures", *map(str, measures), "--note", "of a trial"]
    assert main([*arguments, "--json", "-o", str(tmp_path / "shipped")]) == 0
    kept = tmp_path / "shipped" / "a-crisp"
    assert told(capsys)["path"] == str(kept)
    assert artifact.load(kept, KIND).digest == artifact.load(fitted, KIND).digest
    assert sorted(path.name for path in kept.iterdir()) == sorted(
        ["manifest.json", "weights.npy", "log.jsonl", MEASURES]
    )
    record = json.loads((kept / MEASURES).read_text())
    assert record["note"] == "of a trial"
    assert set(record["measures"]) == {"goggles", "goggles-2"}
    assert record["measures"]["goggles"]["result"] == {
        "kept": {"value": 0.5, "low": 0.25, "high": 0.75, "n": 20}
    }
    assert record["measures"]["goggles"]["kind"] == "goggles"
    assert record["measures"]["goggles"]["digest"] == artifact.load(measures[0], "goggles").digest
    assert record["measures"]["goggles"]["command"]


def test_the_history_begins_with_the_first_ancestor(tmp_path: Path) -> None:
    first = model(tmp_path / "first", 3)
    last = model(tmp_path / "last", 5, init=model(tmp_path / "second", 4, init=first))
    told = history(read_manifest(last, KIND))
    assert [(one["name"], one["seed"], one["iterations"]) for one in told] == [
        ("first", 3, 3),
        ("second", 4, 4),
        ("last", 5, 5),
    ]
    assert [one["command"] for one in told] == [f"probes fit -o {one['name']}" for one in told]
    assert told[0]["digest"] == artifact.load(first, KIND).digest


def test_the_history_tells_how_the_states_were_collected_as_long_as_they_are_there(tmp_path: Path) -> None:
    with (
        provenance.called("probes", "collect", "-o", str(tmp_path / "states")),
        artifact.writing(tmp_path / "states", "state-set", config={}, seed=0, parents={}),
    ):
        pass
    fitted = model(tmp_path / "m", 3, states=tmp_path / "states")
    (one,) = history(read_manifest(fitted, KIND))
    assert one["states"] == "probes collect -o states"
    shutil.rmtree(tmp_path / "states")
    (one,) = history(read_manifest(fitted, KIND))
    assert one["states"] is None


@pytest.mark.parametrize("is_fitted_anew", [True, False])
def test_of_an_ancestor_that_is_gone_the_manifest_is_told(is_fitted_anew: bool, tmp_path: Path) -> None:
    first = model(tmp_path / "first", 3)
    digest = artifact.load(first, KIND).digest
    last = model(tmp_path / "last", 5, init=first)
    shutil.rmtree(first)
    if is_fitted_anew:
        model(first, 9)
    gone, own = history(read_manifest(last, KIND))
    assert (gone["name"], gone["digest"], gone["command"], gone["iterations"]) == (
        "first", digest, None, None,
    )  # fmt: skip
    assert own["name"] == "last"


def test_a_checkpoint_is_an_ancestor_by_the_iterations_that_it_had(tmp_path: Path) -> None:
    config = {"fit": {"schedule": {"iterations": 100}}}
    parents = {"init": model(tmp_path / "first", 7)}
    with artifact.writing(tmp_path / "c", CHECKPOINT, config=config, seed=1, parents=parents) as scratch:
        artifact.write_json(scratch / PROGRESS, {"iteration": 60})
    told = history(read_manifest(model(tmp_path / "m", 5, init=tmp_path / "c"), KIND))
    assert [(one["kind"], one["iterations"]) for one in told] == [(KIND, 7), (CHECKPOINT, 60), (KIND, 5)]


def test_a_model_that_goes_on_from_a_shipped_one_has_its_history(tmp_path: Path) -> None:
    first = model(tmp_path / "first", 3)
    second = model(tmp_path / "second", 4, init=first)
    measures = str(measure(tmp_path / "g", second))
    arguments = ["ship", str(second), "b", "--measures", measures, "-o", str(tmp_path / "shipped")]
    assert main(arguments) == 0
    shutil.rmtree(first)
    told = history(read_manifest(model(tmp_path / "last", 5, init=tmp_path / "shipped" / "b"), KIND))
    assert [one["iterations"] for one in told] == [3, 4, 5]


def test_what_is_shipped_names_no_place_of_this_machine(tmp_path: Path) -> None:
    fitted = model(tmp_path / "m", 3, init=model(tmp_path / "deep" / "init", 2))
    arguments = ["ship", str(fitted), "a", "--measures", str(measure(tmp_path / "g", fitted))]
    assert main([*arguments, "-o", str(tmp_path / "shipped")]) == 0
    for name in ("manifest.json", MEASURES):
        text = (tmp_path / "shipped" / "a" / name).read_text()
        assert str(tmp_path) not in text
        assert "/init" not in text
    assert artifact.load(tmp_path / "shipped" / "a", KIND).parents["init"].path == "init"


def test_absolute_paths_of_a_command_become_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = f"probes goggles --models crisp={tmp_path}/runs/a vae=/else/where/b --episodes 20 -o ../c"
    assert portable(words) == "probes goggles --models crisp=runs/a vae=b --episodes 20 -o ../c"


def test_measures_of_another_model_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = measure(tmp_path / "g", model(tmp_path / "other", 4))
    arguments = ["ship", str(model(tmp_path / "m", 3)), "a-crisp", "--measures", str(other)]
    assert main([*arguments, "-o", str(tmp_path / "shipped")]) == MISUSE
    assert f"{other}: measures another state model" in capsys.readouterr().err
    assert not (tmp_path / "shipped").exists()


def test_a_damaged_measure_is_refused(tmp_path: Path) -> None:
    fitted = model(tmp_path / "m", 3)
    found = measure(tmp_path / "g", fitted)
    (found / "result.json").write_text((found / "result.json").read_text().replace("0.5", "0.9"))
    with pytest.raises(ProbeError, match=r"result\.json"):
        measured(found, artifact.load(fitted, KIND).digest)


@pytest.mark.parametrize("name", ["../a", "a/b", "", ".hidden"])
def test_a_name_that_leads_elsewhere_is_refused(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fitted = model(tmp_path / "m", 3)
    arguments = ["ship", str(fitted), name, "--measures", str(measure(tmp_path / "g", fitted))]
    assert main([*arguments, "-o", str(tmp_path / "shipped" / "models")]) == MISUSE
    assert "allowed are letters, digits" in capsys.readouterr().err
    assert not (tmp_path / "shipped").exists()
