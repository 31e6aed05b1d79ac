from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from probes.agent import ProbeError
from probes.synthesis.diversity import mean_disagreement, pairwise_disagreement
from probes.synthesis.reference import (
    for_target,
    judge_all,
    load_reference,
    manifest_config,
    measure_reference,
    outputs_of,
    write_reference,
)
from probes.synthesis.round_trip import DEFAULT_PACE, Pace, Probed, measure, output_scale, stored_batches
from probes.synthesis.targets import Target, resolve
from tests.probes.linear_models import LAYOUT, LinearAgent, Pictures
from tests.probes.toy_sets import AGENT, MODEL, NamedLinearAgent, toy_states, toy_subject

PICTURES = Pictures(MODEL, AGENT)
HELD_OUT = np.arange(200, 300)
REFERENCE = measure_reference(MODEL, AGENT, PICTURES, PICTURES.recorded(), HELD_OUT)


@pytest.mark.parametrize("name", ["V-", "T±", "uncertain", "action:brake"])
def test_what_is_shared_by_all_targets_is_what_each_would_measure_by_itself(name: str) -> None:
    target = resolve(name, AGENT, PICTURES.recorded())
    shared = for_target(REFERENCE, target, AGENT, PICTURES)
    scale = output_scale(PICTURES.scores, PICTURES.value)
    batches = stored_batches(PICTURES.stored, HELD_OUT, DEFAULT_PACE)
    alone, sigma = measure(Probed(MODEL, AGENT, target, scale), batches)
    for measured, values in vars(alone).items():
        np.testing.assert_allclose(getattr(shared.measured, measured), values, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(shared.sigma, sigma)
    np.testing.assert_array_equal(shared.output_scale, scale)


def test_the_extreme_states_are_the_first_by_what_was_recorded_of_them() -> None:
    real = for_target(REFERENCE, resolve("V+", AGENT, PICTURES.recorded()), AGENT, PICTURES)
    value = PICTURES.value[HELD_OUT]
    assert real.measured.objective == pytest.approx(value / PICTURES.value.std(), rel=1e-4)
    assert np.array_equal(real.stored_extreme, PICTURES.stored(HELD_OUT[np.argsort(-value)[:5]]))
    variety = mean_disagreement(pairwise_disagreement(real.stored_extreme, LAYOUT))
    assert real.disagreement == pytest.approx(variety)


def test_a_reference_does_not_depend_on_the_batch() -> None:
    other = measure_reference(MODEL, AGENT, PICTURES, PICTURES.recorded(), HELD_OUT, Pace(batch=7))
    assert other.kl == pytest.approx(REFERENCE.kl, rel=1e-5)
    assert other.sigma == pytest.approx(REFERENCE.sigma, rel=1e-5)


def test_a_target_that_looks_at_states_is_shown_the_held_out_ones() -> None:
    name = "tests.probes.synthesis.test_reference:first_pixel"
    target = Target(name, name, "", 0.5, 1.0, lambda _, states: states[:, 0, 0, 0, 0])
    real = for_target(REFERENCE, target, AGENT, PICTURES)
    is_first = PICTURES.stored(HELD_OUT)[:, 0, 0, 0, 0] == 0
    assert real.measured.objective.tolist() == (2.0 * is_first).tolist()


def test_what_the_playing_agent_said_is_read_and_another_agent_is_asked(tmp_path: Path) -> None:
    states = toy_states(tmp_path / "states")
    assert outputs_of(AGENT, states).value.tolist() == states.value.tolist()
    other = NamedLinearAgent(seed=7)
    expected = other.judge(states.stored(np.arange(300)))
    found = outputs_of(other, states)
    torch.testing.assert_close(found.value, expected.value)
    torch.testing.assert_close(found.scores, expected.scores)
    assert not np.allclose(found.value.numpy(), states.value)


def test_judging_leaves_no_state_out_of_a_last_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probes.synthesis.reference.JUDGED_AT_ONCE", 7)
    torch.testing.assert_close(judge_all(AGENT, PICTURES, 20).value, torch.from_numpy(PICTURES.value[:20]))


def test_a_reference_is_read_as_it_was_written(tmp_path: Path) -> None:
    subject = toy_subject(tmp_path / "states")
    config = manifest_config(AGENT, subject.reference.indices)
    write_reference(tmp_path / "reference", subject.reference, config, {"states": tmp_path / "states"})
    found = load_reference(tmp_path / "reference")
    for name, array in vars(subject.reference).items():
        np.testing.assert_array_equal(getattr(found, name), array)
        assert getattr(found, name).dtype == array.dtype
    assert config == {"agent": {"name": "linear-1", "digest": "1"}, "real_states": 100}


def test_a_reference_needs_two_states_and_a_model_of_the_agents_states() -> None:
    with pytest.raises(ProbeError, match="at least 2 held-out states, got 1"):
        measure_reference(MODEL, AGENT, PICTURES, PICTURES.recorded(), HELD_OUT[:1])

    class Elsewhere(LinearAgent):
        layout = type(LAYOUT)(LAYOUT.planes, 3, 8, 8)

    with pytest.raises(ProbeError, match="fit a state model on states of this agent"):
        measure_reference(MODEL, Elsewhere(), PICTURES, PICTURES.recorded(), HELD_OUT)
