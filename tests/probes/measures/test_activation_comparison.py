from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from probes.agent import ProbeError
from probes.measures.activation_comparison import (
    Comparing,
    compare,
    found_by_search,
    real_group,
    strengthened,
)
from probes.measures.activation_maximization import REGULARISERS, AscentConfig
from probes.states import to_stored
from probes.synthesis.targets import resolve
from tests.probes.linear_models import LATENT, LAYOUT, LinearAgent, LinearModel, Pictures

MODEL, AGENT = LinearModel(), LinearAgent()


class Recorded(Pictures):
    """Pictures, of which the last hundred are held out."""

    held_out = np.arange(300) >= 200


STATES = Recorded(MODEL, AGENT)
TARGET = resolve("V+", AGENT, STATES.recorded())
COMPARING = Comparing(AGENT, TARGET, MODEL, STATES)
CONFIGS = [AscentConfig(regulariser=name, steps=3) for name in REGULARISERS]


def test_every_regulariser_ascends_at_every_strength_and_none_at_all_only_once() -> None:
    told: list[None] = []
    groups = compare(COMPARING, CONFIGS, [1.0, 2.0], 2, 0, lambda: told.append(None))
    names = [(group.name, group.strength) for group in groups]
    assert names == [("none", 1.0)] + [(name, factor) for name in REGULARISERS[1:] for factor in (1.0, 2.0)]
    assert len(told) == 9
    settings = {(group.name, group.strength): group.settings for group in groups}
    assert settings["total_variation", 2.0]["tv_weight"] == 60.0
    assert settings["total_variation", 1.0]["tv_weight"] == 30.0
    for group in groups:
        assert group.curve is not None
        assert (group.stored.shape, group.curve.shape) == ((2, *LAYOUT.stored_shape), (3, 2))


def test_pixels_ascend_further_from_the_real_states_than_findings_are() -> None:
    free = compare(COMPARING, CONFIGS[:1], [1.0], 4, 0, lambda: None)[0]
    z = np.random.default_rng(0).standard_normal((4, LATENT)).astype(np.float32)
    ours = found_by_search(COMPARING, z, {"seed": 1})
    real = real_group(COMPARING, np.arange(200, 204))
    np.testing.assert_array_equal(ours.stored, to_stored(MODEL.decode(torch.from_numpy(z)), LAYOUT).numpy())
    np.testing.assert_allclose(
        ours.objective_stored, AGENT.judge(ours.stored).value.numpy() / TARGET.scale, rtol=1e-4
    )
    assert ours.settings == {"seed": 1}
    np.testing.assert_allclose(real.objective, STATES.value[200:204] / TARGET.scale, rtol=1e-4)
    np.testing.assert_array_equal(real.objective, real.objective_stored)
    assert free.to_real.class_disagreement.min() > max(
        ours.to_real.class_disagreement.max(), real.to_real.class_disagreement.max()
    )


def test_real_states_are_not_compared_with_themselves() -> None:
    assert real_group(COMPARING, np.arange(200, 210)).to_real.mse.min() > 0
    assert real_group(COMPARING, np.arange(10)).to_real.mse.max() == 0


def test_a_group_is_told_as_plain_data() -> None:
    group = compare(COMPARING, CONFIGS[:1], [1.0], 2, 0, lambda: None)[0]
    told = group.to_json()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["objective"]["value"] == pytest.approx(group.objective.mean())
    assert told["mse_to_real"]["n"] == 2
    assert len(told["curve"]) == 3
    assert real_group(COMPARING, np.arange(2)).to_json()["curve"] is None


def test_a_strength_multiplies_what_a_regulariser_is_set_by() -> None:
    assert strengthened(AscentConfig(regulariser="sobolev"), 0.5).sobolev_lambda == 5.0
    assert strengthened(AscentConfig(regulariser="gaussian_blur"), 3.0).blur_sigma == 3.0
    shaken = strengthened(AscentConfig(regulariser="transforms"), 2.0)
    assert (shaken.jitter, shaken.rotation, shaken.scaling, shaken.cropping) == (8.0, 10.0, 0.1, 0.2)
    assert strengthened(AscentConfig(), 2.0) == AscentConfig()
    with pytest.raises(ProbeError, match=r"found -1\.0, allowed are numbers above 0"):
        strengthened(AscentConfig(regulariser="sobolev"), -1.0)
    with pytest.raises(ProbeError, match="scaling and cropping from 0 to below 1"):
        strengthened(AscentConfig(regulariser="transforms"), 50.0)
