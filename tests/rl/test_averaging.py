"""The average of the weights, which is what a run of deep Q-learning leaves."""

from __future__ import annotations

from dataclasses import replace

import torch

from tests.rl.q_learners import CONFIG, begun, weights


def test_the_agent_is_the_average_of_what_was_trained() -> None:
    learner = begun(replace(CONFIG, averaged_updates=4))
    trained = []
    for _ in range(50):
        learner.update(learner.collect())
        trained.append(weights(learner.network))
    expected = trained[9]  # a tenth of the first ten updates is the last
    for taken, newest in enumerate(trained[10:], start=11):
        share = max(10 / taken, 1 / 4)
        expected = [old + share * (new - old) for old, new in zip(expected, newest, strict=True)]
    for found, wanted in zip(weights(learner.agent), expected, strict=True):
        torch.testing.assert_close(found, wanted)
        assert not found.requires_grad
    assert not all(torch.equal(a, b) for a, b in zip(weights(learner.agent), trained[-1], strict=True))


def test_without_averaging_the_agent_is_the_trained_network() -> None:
    learner = begun(replace(CONFIG, averaged_updates=1))
    assert learner.agent is learner.network
    assert not [name for name in learner.memory() if name.startswith("average.")]
