from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.measures.prior_samples import KIND, RESULT, STORED, load_samples, prior_samples
from probes.state_models.state_model import sample_prior
from probes.states import to_stored
from tests.probes.linear_models import LAYOUT, LinearModel

MODEL = LinearModel()


@pytest.mark.parametrize("batch", [4, 10, 64])
def test_samples_are_those_of_the_prior_whatever_the_batch(batch: int) -> None:
    expected = to_stored(sample_prior(MODEL, 10, seed=3), LAYOUT).numpy()
    parts = list(prior_samples(MODEL, 10, seed=3, batch=batch))
    assert max(map(len, parts)) == min(batch, 10)
    np.testing.assert_array_equal(np.concatenate(parts), expected)


def test_another_seed_gives_other_samples() -> None:
    first, other = (next(prior_samples(MODEL, 4, seed=seed)) for seed in (3, 4))
    assert (first != other).any()


def test_samples_are_read_as_they_were_written(tmp_path: Path) -> None:
    stored = np.concatenate(list(prior_samples(MODEL, 4, seed=0)))
    with artifact.writing(tmp_path / "s", KIND, config={}, seed=0, parents={}) as scratch:
        np.save(scratch / STORED, stored)
        artifact.write_json(scratch / RESULT, {"layout": LAYOUT.to_json(), "samples": 4})
    found = load_samples(tmp_path / "s")
    np.testing.assert_array_equal(found.stored, stored)
    assert (found.layout, found.result["samples"]) == (LAYOUT, 4)


def test_an_artifact_without_a_layout_is_no_samples(tmp_path: Path) -> None:
    with artifact.writing(tmp_path / "s", KIND, config={}, seed=0, parents={}) as scratch:
        artifact.write_json(scratch / RESULT, {})
    with pytest.raises(ProbeError, match="not samples that this program can read"):
        load_samples(tmp_path / "s")
