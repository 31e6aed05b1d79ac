from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from probes.cli import MISUSE, main
from probes.domains.driving import load_agent
from probes.measures.prior_samples import load_samples
from probes.state_models.model_store import load_model
from probes.state_models.state_model import sample_prior
from probes.states import to_stored
from tests.probes.cli.conftest import Tiny, told

pytestmark = pytest.mark.slow


def test_samples_are_compared_with_held_out_states(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["samples", *tiny.given, "--samples", "3", "--seed", "2", "--json", "-o", str(tmp_path / "s")]
    assert main(arguments) == 0
    first = told(capsys)
    assert (first["samples"], first["real_states"]) == (3, 12)
    assert first["realism"]["real"]["realistic"]["value"] == 1.0
    assert {"class", "area_ratio", "blobs_ratio", "within_25_percent"} <= first["classes"][0].keys()
    found = load_samples(tmp_path / "s")
    model = load_model(tiny.model, load_agent("reasonable-seg4")).model
    np.testing.assert_array_equal(
        found.stored, to_stored(sample_prior(model, 3, seed=2), model.layout).numpy()
    )
    with monkeypatch.context() as patch:
        patch.setattr("probes.cli.samples.prior_samples", None)
        assert main(arguments) == 0
    assert told(capsys) == json.loads(json.dumps(first))


def test_one_episode_cannot_be_halved(tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["samples", *tiny.given, "--real-states", "1", "-o", str(tmp_path / "s")]) == MISUSE
    assert "at least 2 episodes" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_samples_of_a_game_are_kept_without_a_comparison(
    tiny_game: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["samples", *tiny_game.given, "--samples", "3", "--json", "-o", str(tmp_path / "s")]) == 0
    assert told(capsys) == {"path": str(tmp_path / "s"), "samples": 3}
    found = load_samples(tmp_path / "s")
    assert found.stored.shape == (3, 4, 3, 84, 84)
    assert found.manifest.config["game"] == "freeway"
