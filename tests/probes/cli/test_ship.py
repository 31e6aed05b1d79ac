from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.cli import MISUSE, main
from probes.cli.ship import MEASURES, measured
from probes.state_models.model_store import KIND
from tests.probes.cli.conftest import told


def model(path: Path, seed: int) -> Path:
    """Write what passes for a state model."""
    with artifact.writing(path, KIND, config={}, seed=seed, parents={}) as scratch:
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
    assert record["measures"]["goggles"]["command"]


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
