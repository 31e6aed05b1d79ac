from __future__ import annotations

from typing import Any

import pytest

from benchmarks import atari_learning
from benchmarks.atari_learning import A2C, DQN, Contest, Size, measure, our_work, peer_work
from probes.domains.atari_learning import AtariLearningEnv

TINY = {
    "dqn": DQN._replace(size=Size(worlds=4, steps=32, fill=48, replay=400, repeats=1)),
    "a2c": A2C._replace(size=Size(worlds=2, steps=32, repeats=1)),
}


@pytest.mark.slow
@pytest.mark.parametrize("algo", TINY)
def test_a_row_tells_the_rates_and_the_parameters(algo: str) -> None:
    pytest.importorskip("ale_py")
    pytest.importorskip("stable_baselines3")
    found = measure(TINY[algo]).as_json()
    assert (found["row"], found["unit"]) == (f"atari-{algo}", "steps/s")
    assert min(found["ours"], found["float32"], found["peer"], found["peer_on_our_worlds"]) > 0
    assert found["is_met"] == (found["ratio_peer"] >= TINY[algo].target)
    # Convolutions of 8,224, 32,832 and 36,928, a layer of 1,606,144; six values, or six logits and a value.
    assert found["parameters"] == 1_684_128 + 513 * {"dqn": 6, "a2c": 7}[algo]
    # The duelling head has 257 + 6 * 257 in the place of 6 * 513.
    assert found["parameters_by_default"] == found["parameters"] - {"dqn": 1_279, "a2c": 0}[algo]


@pytest.mark.slow
def test_both_dqns_begin_to_learn_after_the_filling_and_from_as_many_states() -> None:
    pytest.importorskip("ale_py")
    pytest.importorskip("stable_baselines3")
    from benchmarks.sb3_atari import as_worlds

    size = TINY["dqn"].size
    envs = [AtariLearningEnv(atari_learning.GAME, size.worlds) for _ in range(2)]
    ours = DQN.ours(envs[0], DQN.network(6), size, "float32")
    peer = DQN.peer(as_worlds(envs[1]), DQN.network(6), size)
    descents: list[int] = []
    update = ours.update

    def counting(collected: Any) -> dict[str, float]:
        descents.append(len(collected))
        return update(collected)

    ours.update = counting  # type: ignore[method-assign]
    mine, theirs = our_work(ours, size), peer_work(peer, size)
    # Ours learns with the step that fills, the peer with the one after.
    assert (sum(descents), peer._n_updates) == (1, 0)
    assert (mine(), theirs()) == (32.0, 32.0)
    # 128 states every 16 steps, and 32 every 4: one batch after each step of four worlds.
    assert (sum(descents), peer._n_updates) == (3, 8)
    for env in envs:
        env.close()


def test_the_bar_is_met_by_the_median_of_the_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ale_py")
    found = {
        "ours": [200.0, 430.0, 90.0],
        "float32": [150.0, 300.0, 60.0],
        "peer": [100.0, 200.0, 60.0],
        "on our worlds": [160.0, 344.0, 72.0],
    }
    seen: list[Contest] = []

    def rates(contest: Contest, _: str) -> dict[str, list[float]]:
        seen.append(contest)
        return found

    monkeypatch.setattr(atari_learning, "rates", rates)
    row = measure(DQN)
    assert (row.row, row.ratio_peer, row.is_met) == ("atari-dqn", 2.0, True)
    assert row.more["ratio_peer_float32"] == 1.5
    assert row.more["ratio_peer_on_our_worlds"] == 1.25
    assert not measure(A2C._replace(target=2.1)).is_met
    assert [contest.algo for contest in seen] == ["dqn", "a2c"]
